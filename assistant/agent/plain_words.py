"""Words of a question that are not looked for in the lines it asks about."""

_ASKING_WORDS = """
a an the and or of in on at to by for from with is are was were be been do does did has have had
how many much often which what who whom when where there any some all each every it its this
that these those than then their them they i we you me my our your can could would will shall
not no so if as about into per different distinct unique most least top first last number
numbers count counts times time total altogether line lines entry entries record records log
logs logfile file level levels severity quote please show list tell give find two three four
five six ten hour minute day date seconds second tied same slowest longest largest biggest
highest maximum max fastest quickest shortest smallest lowest minimum min busiest recent
recently frequent frequently common commonly ever whole during between once long short fast one
zero more less other others also only just within out over say says said mention mentions
mentioned report reports reported occur occurs occurred happen happens happened happening appear
appears appeared contain contains contained shown see seen complain complains exist exists kind
kinds type types thing things
"""
_LIGHT_WORDS = """
make makes made get gets got take takes took come comes came target targets targeted attempt
attempts attempted try tries tried open opens opened write writes written cause causes caused
event events message messages value values source account accounts address addresses request
requests case cases problem problems lot api call calls called service server system host
occurrence occurrences instance instances reply replies return returns returned produce produced
go goes went use uses used send sends sent receive receives received client clients logged
answered served handled processed
"""

ASKING = frozenset(_ASKING_WORDS.split())
"""Words that say what is asked, not which lines are meant."""
LIGHT = frozenset(_LIGHT_WORDS.split())
"""Words that logs may say otherwise: required only where a line has them."""
