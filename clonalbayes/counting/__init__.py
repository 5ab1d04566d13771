"""Force-calling: the reads of every sample at given sites, from BAM and CRAM files.

`count` is the public function. `sites` reads what to count; `blocks`, `index`, `bam` and `cram` find the reads;
`scanning` and `molecules` are compiled and turn them into counts; `table` holds and writes the result.
"""

from clonalbayes.counting.count import count
from clonalbayes.counting.table import Counts

__all__ = ["Counts", "count"]
