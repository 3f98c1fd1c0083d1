# frozen_string_literal: true

# ruby spec/bench/loopback.rb (rake bench): our client beside others on the
# loopback device of a network of its own: many peers at once, and one pair.
# Rounds are interleaved, so what else the machine does falls on all alike.
#   MURDER_BENCH_PEERS=16 MURDER_BENCH_MIB=256 MURDER_BENCH_PAIR_MIB=1024
#   MURDER_BENCH_ROUNDS=3 MURDER_BENCH_LIMIT=120 (seconds of one run)
#   MURDER_BENCH_DIR (default: /dev/shm if there is room, else the temporary one)
#   MURDER_BENCH_ONLY=murder,aria2 MURDER_BENCH_DRY=1 (prints, writes nothing)
require_relative "../support/contestants"
require_relative "../support/own_network"
require_relative "../support/swarm"
require_relative "report"

# One benchmark: what each contestant needed, in each round.
class LoopbackBench
  Run = Struct.new(:earliest, :last, :sent, :received, :rss_kib)
  SETTINGS = { "PEERS" => 16, "MIB" => 256, "PAIR_MIB" => 1024, "ROUNDS" => 3, "LIMIT" => 120 }
             .to_h { |name, default| [name, Integer(ENV.fetch("MURDER_BENCH_#{name}", default))] }.freeze
  MANY = [Contestant::Ours, Contestant::Aria2, Contestant::Transmission, Contestant::Libtorrent].freeze
  PAIR = [*MANY, Contestant::Copy].freeze

  def initialize(net)
    @net = net
    @absent = {}
  end

  # Gives { kind => [Run or nil] }; nil is a run that did not end in time.
  def race(kinds, peers, mib)
    swarm = Swarm.new(base: base(mib * (peers + 2)))
    swarm.make_payload(mib: mib)
    runs = present(kinds).to_h { |kind| [kind, []] }
    SETTINGS["ROUNDS"].times do |round|
      runs.each do |kind, results|
        next if results.include?(nil) # it would fail again

        results << run(kind, swarm, peers)
        said = results.last ? "#{results.last.last.round(2)} s" : "not within #{SETTINGS["LIMIT"]} s"
        warn "round #{round + 1}, #{peers} peers, #{mib} MiB: #{kind.label}: #{said}"
      end
    end
    runs
  ensure
    swarm&.close
  end

  # Labels with the reason, of those who could not take part.
  attr_reader :absent

  private

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

# Rows of a table, ours first.
def rows(runs, peers, mib)
  reference = runs[Contestant::Ours]&.compact&.map(&:last)
  runs.map do |kind, results|
    if results.empty? || results.include?(nil)
      [kind.label, "not within #{LoopbackBench::SETTINGS["LIMIT"]} s", *Array.new(5, "")]
    else
      row(kind, results, reference, peers, mib)
    end
  end
end

def row(kind, results, reference, peers, mib)
  last = results.map(&:last)
  median = Report.median(last)
  [kind.label, Report.spread(last), reference && !reference.empty? ? (median / Report.median(reference)).round(2) : "",
   (mib * peers / median).round, Report.spread(results.map { |run| run.sent * 1024 / mib }),
   Report.spread(results.map { |run| run.received * 1024 / mib / peers }),
   (Report.median(results.map(&:rss_kib)) / 1024).round]
end

HEADS = ["client", "last complete, s: median (spread)", "times ours", "MiB/s in all", "sender CPU s per GiB",
         "receiver CPU s per GiB", "largest receiver, MiB"].freeze

OwnNetwork.enter do |net|
  set = LoopbackBench::SETTINGS
  bench = LoopbackBench.new(net)
  pair = bench.race(LoopbackBench::PAIR, 1, set["PAIR_MIB"])
  many = bench.race(LoopbackBench::MANY, set["PEERS"], set["MIB"])
  env = ENV.select { |name, _| name.start_with?("MURDER_BENCH_") }.map { |name, value| "#{name}=#{value} " }.join
  absent = bench.absent.map { |_, reason| "Not there: #{reason}.\n" }.join
  text = <<~TEXT
    #{Report.conditions("#{env}rake bench")} Medians of #{set["ROUNDS"]} rounds, interleaved: each round runs every client once. Other work may have shared the machine, so the ratios say more than the seconds. All are in a network namespace with nothing but loopback, with our tracker, TCP only, without DHT and local discovery; payload and downloads are in page cache (a tmpfs where there is room); every download is compared with its source. Time runs from the start of the processes to the last completion. Sender CPU is the seed's during the download, receiver CPU all that a process used; both from wait4, per GiB of payload (a sender's: of the file).
    #{absent}
    ### One pair, #{set["PAIR_MIB"]} MiB

    #{Report.table(HEADS, rows(pair, 1, set["PAIR_MIB"]))}
    `cp` copies beside the network and hashes nothing: the bound of what memory gives.

    ### #{set["PEERS"]} peers and a seed, #{set["MIB"]} MiB

    #{Report.table(HEADS, rows(many, set["PEERS"], set["MIB"]))}
  TEXT
  puts text
  Report.write("loopback", "On loopback, beside other clients", text) unless ENV["MURDER_BENCH_DRY"]
end
