# The words of make's command line, and what is said of those that mean nothing.

COMMANDS = reproduce status plan verify trace train-released retrain released bench kills beyond mask recipes test lint clean

# the commands that a word is for; PYTHON and VENV are for all
SCALE.of = reproduce status plan verify
RETRAIN.of = reproduce status plan
TRAINING.of = reproduce status plan
FILE.of = trace
MODEL.of = retrain
MINUTES.of = train-released
ARGS.of = reproduce train-released retrain bench kills beyond mask recipes test

GOALS := $(or $(MAKECMDGOALS),reproduce)
WORDS := PYTHON VENV $(foreach word,SCALE RETRAIN TRAINING FILE MODEL MINUTES ARGS,$(if $(filter $($(word).of),$(GOALS)),$(word)))
GIVEN := $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
SCALES := $(sort $(basename $(notdir $(wildcard workflow/scales/*.yaml))))

# $(call refuse,name,what was expected,what was found)
refuse = $(if $(strip $3),$(error $1: expected $(strip $2), found $(strip $3)))
# $(call one-of,word,values)
one-of = $(if $(findstring |$($1)|,$(foreach value,$2,|$(value)|)),,$(error $1: expected one of $2, found $(or $($1),nothing)))

$(call refuse,make,to run in the folder of its Makefile,$(if $(filter workflow/,$(dir $(lastword $(MAKEFILE_LIST)))),,$(CURDIR)))
$(call refuse,make,one of $(COMMANDS),$(filter-out $(COMMANDS) $(VENV)/installed,$(GOALS)))
$(call refuse,make $(GOALS),no words but $(WORDS),$(filter-out $(WORDS),$(GIVEN)))
$(call refuse,VENV,one path without ~ : ' ",$(foreach mark,~ : ' ",$(findstring $(mark),$(VENV))) $(wordlist 2,99,$(VENV)) $(if $(VENV),,nothing))
$(call one-of,SCALE,$(SCALES))
$(call one-of,RETRAIN,0 1)
$(if $(TRAINING),$(call one-of,TRAINING,all missing none auto))
$(if $(filter 1,$(RETRAIN)),$(call refuse,RETRAIN=1,no TRAINING but all,$(filter-out all,$(TRAINING))))
