# The words of make's command line, and what is said of those that mean nothing.

COMMANDS = reproduce status plan verify trace train-released retrain released docs \
    notebooks bench beyond recipes test lint clean

# the commands that a word is for; PYTHON and VENV are for all
SCALE.of = reproduce status plan verify
RETRAIN.of = reproduce status plan
TRAINING.of = reproduce status plan
FILE.of = trace
MODEL.of = retrain
MINUTES.of = train-released
ARGS.of = reproduce train-released retrain bench beyond recipes test

GOALS := $(or $(MAKECMDGOALS),reproduce)
is-for = $(if $(filter $($1.of),$(GOALS)),$1)
WORDS := $(foreach word,SCALE RETRAIN TRAINING FILE MODEL MINUTES ARGS,$(call is-for,$(word)))
GIVEN := $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
SCALES := $(filter-out base,$(sort $(basename $(notdir $(wildcard workflow/scales/*.yaml)))))
# a file of one's own is a scale as well
OWN := $(if $(filter 1,$(words $(SCALE))),$(filter %.yaml %.yml,$(wildcard $(SCALE))))
ELSEWHERE := $(if $(filter workflow/,$(dir $(lastword $(MAKEFILE_LIST)))),,$(CURDIR))
MARKS := $(foreach mark,~ : ' ",$(findstring $(mark),$(VENV))) $(wordlist 2,99,$(VENV))

# $(call refuse,name,what is expected,what is found)
refuse = $(if $(strip $3),$(error $1: expected $2, found $(strip $3)))
# $(call one-of,word,values)
same = $(if $(findstring |$1|,$(foreach value,$2,|$(value)|)),$1)
one-of = $(if $(call same,$($1),$2),,$(call refuse,$1,one of $2,$(or $($1),nothing)))

$(call refuse,make,to run in the folder of its Makefile,$(ELSEWHERE))
$(call refuse,make,one of $(COMMANDS),$(filter-out $(COMMANDS) $(VENV)/installed,$(GOALS)))
$(call refuse,make $(GOALS),no words but PYTHON VENV $(strip $(WORDS)),$(filter-out PYTHON VENV $(WORDS),$(GIVEN)))
$(call refuse,VENV,one path without ~ : ' ",$(if $(VENV),$(MARKS),nothing))
$(if $(OWN),,$(call one-of,SCALE,$(SCALES)))
$(call one-of,RETRAIN,0 1)
$(if $(TRAINING),$(call one-of,TRAINING,all missing none auto))
$(if $(filter 1,$(RETRAIN)),\
    $(call refuse,RETRAIN=1,no TRAINING but all,$(filter-out all,$(TRAINING))))
