# frozen_string_literal: true

desc "Simulate swarms on the shipped core: every small scenario, a few seeds (SEED=n begins there)"
task :sim do
  sh "make", "-C", MURDER_EXT, "-j2", "sim", "sim-check"
end

namespace :sim do
  desc "Simulate the large scenarios: 1,000 hosts and more (SCENARIO=name for one)"
  task :large do
    sh "make", "-C", MURDER_EXT, "-j2", "sim-program"
    pattern = File.expand_path("../spec/sim/scenarios/large/#{ENV.fetch("SCENARIO", "1000-*")}.scn", __dir__)
    files = Dir[pattern]
    abort "no scenario matches #{pattern}" if files.empty?
    sh File.join(MURDER_EXT, "build/murder_sim"), *files
  end

  desc "Simulate scenarios drawn at random: COUNT of them, the first by SEED"
  task :random do
    sh "make", "-C", MURDER_EXT, "-j2", "sim-random", *ENV.slice("SEED", "COUNT").map { |pair| pair.join("=") }
  end

  desc "Write the golden traces anew, after a change that was meant"
  task :traces do
    sh "make", "-C", MURDER_EXT, "-j2", "sim-traces"
  end
end
