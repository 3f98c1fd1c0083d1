# frozen_string_literal: true

require_relative "../support/contestants"
require_relative "../support/own_network"
require_relative "../support/swarm"
require_relative "gate"
require_relative "report"

# What each contestant needed, in each round, on the loopback device of a
# network of its own. Rounds are interleaved, so what else the machine does falls
# on all alike.
#   MURDER_BENCH_PEERS=16 MURDER_BENCH_MIB=256 MURDER_BENCH_PAIR_MIB=1024
#   MURDER_BENCH_ROUNDS=3 MURDER_BENCH_LIMIT=120 (seconds of one run)
#   MURDER_BENCH_DIR (default: /dev/shm if there is room, else the temporary one)
#   MURDER_BENCH_ONLY=murder,aria2 MURDER_BENCH_DRY=1 (prints, writes nothing)
#   MURDER_BENCH_GATE (spec/bench/gate.rb)
class LoopbackBench
  Run = Struct.new(:earliest, :last, :sent, :received, :rss_kib)
  SETTINGS = { "PEERS" => 16, "MIB" => 256, "PAIR_MIB" => 1024, "ROUNDS" => 3, "LIMIT" => 120 }
             .to_h { |name, default| [name, Integer(ENV.fetch("MURDER_BENCH_#{name}", default))] }.freeze

  def initialize(net)
    @net = net
    @absent = {}
  end

  # Gives { kind => [Run or nil] }; nil is a run that did not end in time.
  def race(kinds, peers, mib)
    swarm = Swarm.new(base: base(mib * (peers + 2)))
    swarm.make_payload(mib: mib)
    runs = present(kinds).to_h { |kind| [kind, []] }
    (runs.keys * SETTINGS["ROUNDS"]).each { |kind| Gate.around { take_turn(kind, runs[kind], swarm, peers) } }
    runs
  ensure
    swarm&.close
  end

  # What Report.conditions wants to know.
  def self.command(task)
    env = ENV.select { |name, _| name.start_with?("MURDER_BENCH_") && name !~ /_(GATE|DRY)\z/ }
    "#{env.map { |name, value| "#{name}=#{value} " }.join}#{task}"
  end

  # Labels with the reason, of those who could not take part.
  attr_reader :absent

  private

  def take_turn(kind, results, swarm, peers)
    return if results.include?(nil) # it would fail again

    results << run(kind, swarm, peers)
    said = results.last ? "#{results.last.last.round(2)} s" : "not within #{SETTINGS["LIMIT"]} s"
    warn "round #{results.size}, #{peers} peers: #{kind.label}: #{said}"
  end

  def present(kinds)
    only = ENV.fetch("MURDER_BENCH_ONLY", kinds.map(&:label).join(",")).split(",")
    kinds.select { |kind| only.include?(kind.label) }.select do |kind|
      reason = kind.missing || kind.unreachable_at(@net)
      @absent[kind.label] = reason if reason
      reason.nil?
    end
  end

  def base(mib)
    return ENV["MURDER_BENCH_DIR"] if ENV["MURDER_BENCH_DIR"]

    free = `df --output=avail -m /dev/shm 2>/dev/null`.lines.last.to_i
    available = File.read("/proc/meminfo")[/MemAvailable:\s+(\d+)/, 1].to_i / 1024
    [free, available].min > mib * 3 / 2 ? "/dev/shm" : Dir.tmpdir
  end

  def run(kind, swarm, peers)
    swarm.start_tracker
    seed, *others = (0..peers).map do |i|
      kind.new(swarm.path("run/#{i}"), torrent: swarm.path("payload.torrent"), address: "#{@net}.0.#{i + 2}")
    end
    seed.seed(swarm.path("payload"))
    wait_for_seed(swarm) unless kind == Contestant::Copy
    sleep [0, kind.settle - (Process.clock_gettime(Process::CLOCK_REALTIME) - seed.started_at.to_f)].max
    before = seed.cpu_so_far
    others.each(&:fetch)
    all_done?(others) ? result(seed, before, others, swarm) : nil
  ensure
    [seed, *others].each(&:terminate).each(&:stop)
    swarm.run(:tracker, "stop", "--port", swarm.port)
    FileUtils.rm_rf(swarm.path("run"))
  end

  def wait_for_seed(swarm)
    Swarm.wait_until(SETTINGS["LIMIT"]) do
      Net::HTTP.get(URI("http://127.0.0.1:#{swarm.port}/stats")).match?(/"seeds":[1-9]/)
    end
  end

  def all_done?(others)
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + SETTINGS["LIMIT"]
    until others.all?(&:done?)
      return false if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline

      sleep 0.02
    end
    true
  end

  def result(seed, before, others, swarm)
    took = others.map(&:finished_at).minmax.map { |at| at - others.map(&:started_at).min }
    [seed, *others].each(&:terminate).each(&:stop)
    compare(others, swarm.path("payload"))
    Run.new(*took, seed.usage.cpu - before, *received(others.map(&:usage)))
  end

  def received(usages) = [usages.sum(&:cpu), usages.map(&:rss_kib).max]

  def compare(others, payload)
    bad = others.find { |one| !system("cmp", "-s", one.target, payload) }
    raise "#{bad.label} gave a wrong file" if bad
  end
end
