# frozen_string_literal: true

desc "Measure our programs beside others, into doc/PERFORMANCE.md: loopback, static, memory and lab"
task bench: %w[bench:loopback bench:static bench:memory bench:lab]

namespace :bench do
  desc "One pair and many peers on loopback (settings: spec/bench/loopback.rb)"
  task(loopback: :compile) { ruby "spec/bench/loopback.rb" }

  desc "The static programs beside the dynamic ones (settings: spec/bench/static.rb)"
  task(static: %i[compile dist:here]) { ruby "spec/bench/static.rb" }

  desc "Resident memory of a pair with 10 GiB (settings: spec/bench/memory.rb)"
  task(memory: :compile) { ruby "spec/bench/memory.rb" }

  desc "Swarms in the lab, ours and others: rake bench:lab HOSTS=16,32 RUNS=3 (settings: spec/bench/lab.rb)"
  task(lab: :compile) { ruby "spec/bench/lab.rb" }
end
