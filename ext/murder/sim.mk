# The swarm simulator (doc/SIMULATOR.md): links libcore.a as it ships.
#   make sim                every scenario of the suite, a few seeds each
#   make sim-random         scenarios drawn at random, from SEED on
#   make sim-traces         writes the golden traces anew

SIM := $(SPEC)/sim
SIM_OBJ := $(patsubst $(SIM)/%.c,$(BUILD)/sim/%.o,$(wildcard $(SIM)/*.c))
SIM_PROGRAM := $(BUILD)/murder_sim
TRACES := $(wildcard $(SIM)/traces/*.scn)

$(BUILD)/sim/%.o: $(SIM)/%.c
	@mkdir -p $(@D)
	$(CC) $(CORE_CFLAGS) -D_GNU_SOURCE -I$(SIM) -c -o $@ $<

$(SIM_PROGRAM): $(SIM_OBJ) $(BUILD)/libcore.a
	$(CC) $(OPT) $(LDFLAGS) -o $@ $^

sim-program: $(SIM_PROGRAM)

SEED ?= 1
sim: $(SIM_PROGRAM)
	$(SIM_PROGRAM) --suite --seed $(SEED) $(sort $(wildcard $(SIM)/scenarios/*.scn \
	  $(SIM)/regress/*.scn))

COUNT ?= 40
sim-random: $(SIM_PROGRAM)
	@if ! $(SIM_PROGRAM) --random $(COUNT) --seed $(SEED) > $(BUILD)/random.out; \
	  then exit 1; fi; \
	echo "random scenarios: $(COUNT) from $(SEED) on, nobody left behind"

# The scenarios, but says only what failed and how many passed.
sim-quiet: $(SIM_PROGRAM)
	@if ! $(SIM_PROGRAM) --suite $(sort $(wildcard $(SIM)/scenarios/*.scn \
	  $(SIM)/regress/*.scn)) > $(BUILD)/sim.out; then exit 1; fi; \
	echo "simulator: $$(grep -c '"ok":true' $(BUILD)/sim.out) runs, nobody left behind"

# Same scenario, same seed: the very same actions, as they were written down.
sim-check: $(SIM_PROGRAM)
	@for t in $(TRACES:.scn=); do \
	  $(SIM_PROGRAM) $$t.scn --trace | diff -u $$t.txt - || exit 1; done; \
	echo "traces: $(words $(TRACES)) as they were"

sim-traces: $(SIM_PROGRAM)
	@for t in $(TRACES:.scn=); do \
	  $(SIM_PROGRAM) $$t.scn --trace > $$t.txt || exit 1; done

.PHONY: sim sim-program sim-random sim-check sim-traces
-include $(SIM_OBJ:.o=.d)
