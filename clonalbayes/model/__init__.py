"""The models as `pm.Model`: the whole joint density, stated part by part.

The clone model (specification `clones`) for N mutations in S samples, with M slots for clones:

=====================  ====================  =====================================================
variable               dims                  prior
=====================  ====================  =====================================================
concentration                                Gamma
assignment             mutation              Dirichlet-multinomial over clone, noise and germline;
                                             within clones the Dirichlet process (`partition`).
                                             A slot, -1 for noise, -2 for germline
presence_prob          specimen, state       Dirichlet over absent, subclonal, clonal
presence               slot, specimen        Categorical: 0 absent, 1 subclonal, 2 clonal
prevalence_slab        slot, specimen        Uniform: the ccf where the clone is subclonal
genotype               mutation              uniform over the class's vectors of mutated copies
precision              specimen              LogNormal
error_rate             specimen              LogNormal, truncated
purity                 specimen              Normal around the file's purity, truncated
cn_clonal_fraction     specimen              Beta
n_clones                                     number of slots with members
cellular_prevalence    slot, specimen        0, prevalence_slab or 1, times purity; NaN if unused
admissible             (observed)            the event on which the prior is conditioned
alt_count              mutation, specimen    (observed) beta-binomial, called (`called`)
=====================  ====================  =====================================================

The joint density is the product of these. It is a density of the labelled state up to one constant, the
prior probability of `admissible`. Labels of slots are exchangeable: summaries must not depend on them.

The tree model (specification `tree`) has the same partition, genotypes, samples' parameters and reads, and in
place of presence and prevalence

============================  ====================  ==============================================
variable                      dims                  prior
============================  ====================  ==============================================
parent                        slot                  trees, weighted by their founders. 0 the normal
                                                    root, 1 + slot of the parent, -1 without members
present_prob_mean                                   Uniform
present_prob                  specimen              Beta
presence                      slot, specimen        a coin under a present parent, else 0
fraction_concentration_median                       LogNormal
fraction_concentration        specimen              LogNormal
clone_fraction                population, specimen  Dirichlet over the normal cells and present clones
purity                        specimen              1 - clone_fraction of the normal cells
read_purity                   aberrant_specimen     Normal around purity
observed_purity               stated_specimen       (observed) Normal around read_purity or purity
cellular_prevalence           slot, specimen        sum of clone_fraction over clone and descendants
admissible                    (observed)            room for all clones, possible purities, and the
                                                    constraints of the specification
============================  ====================  ==============================================

The joint model (specification `joint`) adds the contexts of mutations, with the variables of `contexts`.

`partition`, `prevalence`, `tree`, `purity`, `conditions`, `reads`, `called` and `contexts` hold one part each, with its
formulas, so that other models can be built from them. The free variables of the clone model have no
transforms, because `clonalbayes.steps.CloneStep` updates all of them.
"""

from clonalbayes.model.build import build_model
from clonalbayes.model.predictive import sample_prior

__all__ = ["build_model", "sample_prior"]
