# What proves the programs: unit tests, fuzzers, and the rules of the tree.

TESTS := $(patsubst $(SPEC)/c/%.c,$(BUILD)/spec/%,$(wildcard $(SPEC)/c/test_*.c))
TEST_HELP := $(patsubst $(SPEC)/c/%.c,$(BUILD)/spec/%.o,$(filter-out \
	$(wildcard $(SPEC)/c/test_*.c),$(wildcard $(SPEC)/c/*.c)))
FUZZ := $(patsubst $(SPEC)/fuzz/%.c,%,$(filter-out $(SPEC)/fuzz/fuzz_main.c,\
	$(wildcard $(SPEC)/fuzz/fuzz_*.c)))

# what runs a program for another processor, such as qemu-aarch64-static
RUN ?=

# ---- unit tests: cmocka; one program per module, named test_MODULE.c -------
$(BUILD)/spec/%.o: $(SPEC)/c/%.c
	@mkdir -p $(@D)
	$(CC) $(IO_CFLAGS) -Wno-missing-prototypes -I$(SPEC)/c -c -o $@ $<

$(BUILD)/spec/test_%: $(BUILD)/spec/test_%.o $(TEST_HELP) $(BUILD)/libio.a \
    $(BUILD)/libcore.a
	$(CC) $(OPT) $(LDFLAGS) -o $@ $^ -lcmocka $(LIB_LIBS) -lpthread

check: $(TESTS) replay
	@fail=0; for t in $(TESTS); do $(RUN) $$t || fail=1; done; exit $$fail

# ---- fuzzing: one target per decoder; the corpus replays without libFuzzer -
$(BUILD)/replay/%.o: $(SPEC)/fuzz/%.c
	@mkdir -p $(@D)
	$(CC) $(IO_CFLAGS) -Wno-missing-prototypes -c -o $@ $<

$(BUILD)/replay/%: $(BUILD)/replay/%.o $(BUILD)/replay/fuzz_main.o \
    $(BUILD)/libcore.a
	$(CC) $(OPT) $(LDFLAGS) -o $@ $^

# The count of bytes proves that every file was read to its end.
replay: $(FUZZ:%=$(BUILD)/replay/%)
	@for f in $(FUZZ); do \
	  files=$$(find $(SPEC)/fuzz/corpus/$$f $(SPEC)/fuzz/regress/$$f -type f \
	    2>/dev/null | sort); \
	  test -n "$$files" || { echo "$$f: no corpus"; continue; }; \
	  said=$$($(RUN) $(BUILD)/replay/$$f $$files) || exit 1; echo "$$said"; \
	  n=$$(cat $$files | wc -c); \
	  case "$$said" in *" $$n bytes") ;; \
	    *) echo "$$f: $$n bytes were to be replayed"; exit 1;; esac; \
	done

# make fuzz SECONDS=300 [FUZZ=fuzz_benc]: libFuzzer with ASan and UBSan
SECONDS ?= 60
fuzz: $(FUZZ:%=fuzz-run-%)
fuzz-run-%:
	@mkdir -p $(BUILD)/fuzz $(SPEC)/fuzz/corpus/$* $(BUILD)/fuzz/found-$*
	clang -std=c11 -g -O1 -I. -fsanitize=fuzzer,address,undefined \
	  -fno-sanitize-recover=undefined -o $(BUILD)/fuzz/$* \
	  $(SPEC)/fuzz/$*.c $(wildcard core/*.c)
	$(BUILD)/fuzz/$* -max_total_time=$(SECONDS) -timeout=5 -rss_limit_mb=2048 \
	  -artifact_prefix=$(BUILD)/fuzz/$*- $(BUILD)/fuzz/found-$* \
	  $(SPEC)/fuzz/corpus/$*

# ---- rules of the tree -----------------------------------------------------
# The core may need these symbols from outside itself, and no others.
PURE := memcpy|memmove|memset|memcmp|bcmp|memchr|strlen|__assert_fail|_GLOBAL_OFFSET_TABLE_|__stack_chk_fail
purity: $(CORE_OBJ)
	@$(LD) -r -o $(BUILD)/core.o $(CORE_OBJ)
	@bad=$$(nm -u $(BUILD)/core.o | awk '{print $$2}' | grep -Evx '$(PURE)'); \
	if [ -n "$$bad" ]; then echo "core is not pure, it needs:" $$bad; exit 1; fi; \
	bad=$$(grep -En '^#include <' core/*.[ch] | \
	  grep -Ev '<(assert|stdbool|stddef|stdint|string|inttypes|limits|uthash|utlist)\.h>'); \
	if [ -n "$$bad" ]; then echo "core includes too much:"; echo "$$bad"; exit 1; fi; \
	echo "purity: $(words $(CORE_OBJ)) objects need nothing from outside"

# Every header compiles alone.
headers:
	@for h in core/*.h io/*.h; do \
	  printf '#include "%s"\nint main(void) { return 0; }\n' $$h | \
	  $(CC) $(IO_CFLAGS) -Wno-missing-prototypes -MF /dev/null -fsyntax-only -x c - || exit 1; done; \
	echo "headers: every one stands alone"

# Functions of at most 70 lines, files of at most 500.
sizes:
	@awk -f sizes.awk $$(ls core/*.[ch] io/*.[ch] *.c $(SPEC)/c/*.[ch] \
	  $(SPEC)/fuzz/*.[ch] $(SPEC)/sim/*.[ch] 2>/dev/null)

format:
	clang-format -i $$(git ls-files '*.c' '*.h' ../../spec | grep '\.[ch]$$')
format-check:
	@clang-format --dry-run -Werror $$(git ls-files . ../../spec | grep '\.[ch]$$')

.PHONY: check replay fuzz purity headers sizes format format-check
-include $(wildcard $(BUILD)/spec/*.d $(BUILD)/replay/*.d)
