"""Copy-number files as the callers write them, made by code: texts by name."""

from __future__ import annotations

ASCAT = """\
sample\tchr\tstartpos\tendpos\tnMajor\tnMinor
S1\t1\t1000\t5000\t1\t1
S1\t1\t5001\t9000\t2\t0
S1\tX\t1\t9000\t1\t0
S2\t1\t1000\t9000\t3\t1
"""
CAVEMAN = "1,1,1000,5000,2,1,2,1\n2,1,5001,9000,2,1,3,1\n3,X,1,9000,1,0,1,0\n"
STATISTICS = (
    "NormalContamination 0.3\nPloidy 2.1\nrho 0.7\npsi 2.2\ngoodnessOfFit 97.2\nGenderChr Y\nGenderChrFound N\n"
)
PURITY_PLOIDY = "AberrantCellFraction\tPloidy\n0.72\t2.4\n"
_SOLUTION = "nMaj1_{0}\tnMin1_{0}\tfrac1_{0}\tnMaj2_{0}\tnMin2_{0}\tfrac2_{0}\tSDfrac_{0}"
BATTENBERG_HEADER = "chr\tstartpos\tendpos\tBAF\tpval\tLogR\tntot\t" + "\t".join(_SOLUTION.format(x) for x in "AB")
_NO_B = "\t".join(["NA"] * 7)
BATTENBERG_ROWS = (
    "1\t1000\t5000\t0.5\t1\t0.01\t2.01\t1\t1\t1\tNA\tNA\tNA\tNA",
    "1\t5001\t9000\t0.6\t1e-9\t0.2\t2.6\t2\t1\t0.6\t1\t1\t0.4\t0.02",
    "X\t1\t9000\t0.9\t1\t-0.4\t1.0\t1\t0\t1\tNA\tNA\tNA\tNA",
)
BATTENBERG = "\n".join([BATTENBERG_HEADER, *(f"{row}\t{_NO_B}" for row in BATTENBERG_ROWS)]) + "\n"
BATTENBERG_ROW_NAMES = (
    "\n".join([BATTENBERG_HEADER, *(f"{i + 1}\t{row}\t{_NO_B}" for i, row in enumerate(BATTENBERG_ROWS))]) + "\n"
)
BATTENBERG_X = (
    "\n".join([f"X\t{BATTENBERG_HEADER}", *(f"{i + 1}\t{r}\t{_NO_B}" for i, r in enumerate(BATTENBERG_ROWS))]) + "\n"
)
RHO_AND_PSI = (
    "rho\tpsi\tdistance\tis.best\nASCAT\t0.8\t2.1\tNA\tNA\nFRAC_GENOME\t0.78\t2.05\tNA\tTRUE\nREF_SEG\tNA\tNA\t0\tFALSE\n"
)
CELLULARITY = "cellularity\tploidy\tpsi\n0.78\t2.05\t2.1\n"
FACETS = """\
chrom\tseg\tnum.mark\tnhet\tcnlr.median\tmafR\tsegclust\tcnlr.median.clust\tmafR.clust\tstart\tend\tcf.em\ttcn.em\tlcn.em
1\t1\t900\t90\t0.0\t0.01\t3\t0.0\t0.01\t1000\t5000\t1\t2\t1
1\t2\t900\t90\t0.3\t0.4\t4\t0.3\t0.4\t5001\t9000\t0.7\t3\t1
1\t3\t900\t90\t0.1\t0.1\t5\t0.1\t0.1\t9001\t12000\t0.35\t3\t1
2\t4\t900\t2\t0.3\tNA\t4\t0.3\tNA\t1\t9000\t0.7\t3\tNA
23\t5\t900\t0\t-0.5\tNA\t1\t-0.5\tNA\t1\t9000\t0.7\t1\t0
"""
FACETS_VCF = """\
##fileformat=VCFv4.2
##purity=0.7
##INFO=<ID=TCN_EM,Number=1,Type=Integer,Description="Total copy number">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO
chr1\t1000\t1\tN\t<NEUTR>\t.\tneutral\tSVTYPE=NEUTR;END=5000;CF_EM=1;TCN_EM=2;LCN_EM=1
chr1\t5001\t2\tN\t<DUP>\t.\tPASS\tSVTYPE=DUP;END=9000;CF_EM=0.7;TCN_EM=3;LCN_EM=1
chr1\t9001\t3\tN\t<DUP>\t.\tPASS\tSVTYPE=DUP;END=12000;CF_EM=0.35;TCN_EM=3;LCN_EM=1
chr2\t1\t4\tN\t<DUP>\t.\tPASS\tSVTYPE=DUP;END=9000;CF_EM=0.7;TCN_EM=3;LCN_EM=.
chrX\t1\t5\tN\t<DEL>\t.\tPASS\tSVTYPE=DEL;END=9000;CF_EM=0.7;TCN_EM=1;LCN_EM=0
"""
OLD_PURPLE = """\
#chromosome\tstart\tend\tcopyNumber\tbafCount\tobservedBAF\tactualBAF\tsegmentStartSupport\tsegmentEndSupport\tmethod
1\t1\t5000\t2.02\t90\t0.51\t0.505\tTELOMERE\tNONE\tBAF_WEIGHTED
1\t5001\t9000\t2.95\t90\t0.62\t0.66\tNONE\tTELOMERE\tBAF_WEIGHTED
"""
GDC = """\
GDC_Aliquot\tChromosome\tStart\tEnd\tCopy_Number\tMajor_Copy_Number\tMinor_Copy_Number
a-1\tchr1\t62920\t5000000\t3\t2\t1
"""
CNVKIT = """\
chromosome\tstart\tend\tgene\tlog2\tbaf\tcn\tcn1\tcn2\tdepth\tprobes\tweight
chr1\t1000\t5000\t-\t0.4\t0.33\t3\t2\t1\t90\t40\t30
chr1\t5000\t9000\t-\t0.0\t\t2\t\t\t60\t40\t30
"""
FACETS_OUT = "# INPUT PARAMETERS GIVEN\n# Purity = 0.7\n# Ploidy = 2.3\n# dipLogR = -0.01\n"
PURPLE_HEADER = (
    "chromosome\tstart\tend\tcopyNumber\tbafCount\tobservedBAF\tbaf\tsegmentStartSupport\tsegmentEndSupport\tmethod\t"
    "depthWindowCount\tgcContent\tminStart\tmaxStart\tminorAlleleCopyNumber\tmajorAlleleCopyNumber\n"
)
_PURPLE_MIDDLE = "0\t0.5\t{baf}\tTELOMERE\tNONE\tBAF_WEIGHTED\t200\t0.4\t1\t1"
PURPLE = PURPLE_HEADER + "".join(
    f"chr{c}\t{a}\t{b}\t{t}\t" + _PURPLE_MIDDLE.format(baf=0.5) + f"\t{m}\t{round(t - m, 4)}\n"
    for c, a, b, t, m in (
        ("1", 1, 5000, 2.02, 0.99), ("1", 5001, 9000, 2.6, 1.02), ("1", 9001, 9500, 1.9, -0.02),
        ("X", 1, 9000, 0.98, 0.0),
    )
)  # fmt: skip
PURPLE_PURITY = (
    "purity\tnormFactor\tscore\tdiploidProportion\tploidy\tgender\tstatus\tpolyclonalProportion\tminPurity\tmaxPurity\t"
    "minPloidy\tmaxPloidy\n0.66\t1.0\t0.5\t0.8\t2.1\tMALE\tNORMAL\t0.05\t0.62\t0.70\t2.0\t2.2\n"
)
PURPLE_RANGE = (
    "purity\tnormFactor\tscore\tdiploidProportion\tploidy\tsomaticPenalty\n0.5\t1\t0.9\t0.8\t2.5\t0\n0.66\t1\t0.5\t0.8\t2.1\t0\n"
)
SEQUENZA = """\
"chromosome"\t"start.pos"\t"end.pos"\t"Bf"\t"N.BAF"\t"sd.BAF"\t"depth.ratio"\t"N.ratio"\t"sd.ratio"\t"CNt"\t"A"\t"B"\t"LPP"
"chr1"\t1000\t5000\t0.49\t80\t0.05\t1.0\t90\t0.2\t2\t1\t1\t-6.9
"chr1"\t5000\t9000\t0.33\t80\t0.05\t1.5\t90\t0.2\t3\t2\t1\t-7.1
"chrX"\t1\t9000\tNA\t0\tNA\t0.5\t90\t0.2\t1\tNA\tNA\t-7.0
"chr2"\t1\t9000\tNA\t0\tNA\t1.5\t90\t0.2\t3\tNA\tNA\t-7.0
"""
CONFINTS = '"cellularity"\t"ploidy.estimate"\t"ploidy.mean.cn"\n0.70\t2.0\t2.1\n0.74\t2.1\t2.1\n0.78\t2.2\t2.1\n'
SOLUTIONS = '"cellularity"\t"ploidy"\t"SLPP"\n0.74\t2.1\t-100.5\n0.31\t4.0\t-140\n'
GENERIC = "sample,chrom,start,end,major_cn,minor_cn\nS1,1,1,100,2,1\nS1,1,101,200,1,0\nS2,1,1,200,1,1\n"
TOTALS = "chrom\tstart\tend\ttotal_cn\n1\t1\t100\t3\n1\t101\t200\t1\n1\t201\t300\t.\n"
SHARES = "seqnames\tstart\tend\tmajor_cn\tminor_cn\tclonal_frequency\n1\t1\t100\t2\t1\t0.54\n1\t101\t200\t1\t0\t0.27\n"

SEGMENTS = {
    "ascat": ASCAT, "caveman": CAVEMAN, "battenberg": BATTENBERG, "battenberg-rows": BATTENBERG_ROW_NAMES,
    "battenberg-x": BATTENBERG_X, "facets": FACETS, "purple": PURPLE, "sequenza": SEQUENZA, "generic": GENERIC,
    "totals": TOTALS, "shares": SHARES, "facets-vcf": FACETS_VCF, "old-purple": OLD_PURPLE, "gdc": GDC,
    "cnvkit": CNVKIT,
}  # fmt: skip
PURITY = {
    "statistics": STATISTICS, "purityploidy": PURITY_PLOIDY, "rho-psi": RHO_AND_PSI, "cellularity": CELLULARITY,
    "facets-out": FACETS_OUT, "purple-purity": PURPLE_PURITY, "purple-range": PURPLE_RANGE, "confints": CONFINTS,
    "solutions": SOLUTIONS,
}  # fmt: skip
