# frozen_string_literal: true

# ruby spec/bench/loopback.rb (rake bench:loopback): our client beside others on
# loopback: many peers at once, and one pair. Settings: spec/bench/loopback_bench.rb.
require "openssl"
require_relative "loopback_bench"

MANY = [Contestant::Ours, Contestant::Aria2, Contestant::Libtorrent, Contestant::Rtorrent,
        Contestant::Transmission].freeze
PAIR = [*MANY, Contestant::Copy].freeze

# MiB of SHA-1 one thread does in a second, by OpenSSL, as our programs.
def sha1_rate(mib)
  chunk = Random.bytes(1 << 20)
  digest = OpenSSL::Digest.new("SHA1")
  from = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
  mib.times { digest << chunk }
  mib / (Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) - from)
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

# How near one pair comes to what hashing and copying alone take.
def bound(pair, sha1, mib)
  ours, copy = [Contestant::Ours, Contestant::Copy].map { |kind| pair[kind].to_a.compact.map { |run| mib / run.last } }
  return "" if ours.empty? || copy.empty?

  ours, copy, sha1 = [ours, copy, sha1].map { |rates| Report.median(rates) }
  format("One thread hashes %<sha1>d MiB/s (SHA-1, OpenSSL), `cp` copies %<copy>d MiB/s beside the network: of the " \
         "slower of them murder reaches %<part>.2f.",
         sha1: sha1, copy: copy, part: ours / [sha1, copy].min)
end

OwnNetwork.enter do |net|
  set = LoopbackBench::SETTINGS
  bench = LoopbackBench.new(net)
  sha1 = Array.new(set["ROUNDS"]) { Gate.around { sha1_rate(set["PAIR_MIB"]) } }
  pair = bench.race(PAIR, 1, set["PAIR_MIB"])
  many = bench.race(MANY, set["PEERS"], set["MIB"])
  absent = bench.absent.map { |_, reason| "Not there: #{reason}.\n" }.join
  text = <<~TEXT
    #{Report.conditions(LoopbackBench.command("rake bench:loopback"))} Medians of #{set["ROUNDS"]} rounds, interleaved: each round runs every client once. All are in a network namespace with nothing but loopback, with our tracker, TCP only, without DHT and local discovery; payload and downloads are in page cache (a tmpfs where there is room); every download is compared with its source. Time runs from the start of the processes to the last completion. Sender CPU is the seed's during the download, receiver CPU all that a process used; both from wait4, per GiB of payload (a sender's: of the file).
    #{absent}
    ### One pair, #{set["PAIR_MIB"]} MiB

    #{Report.table(HEADS, rows(pair, 1, set["PAIR_MIB"]))}
    #{bound(pair, sha1, set["PAIR_MIB"])}

    ### #{set["PEERS"]} peers and a seed, #{set["MIB"]} MiB

    #{Report.table(HEADS, rows(many, set["PEERS"], set["MIB"]))}
  TEXT
  puts text
  unless ENV["MURDER_BENCH_DRY"]
    Report.write("loopback", "On loopback, beside other clients", text)
    Clients.write
  end
end
