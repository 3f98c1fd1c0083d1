# frozen_string_literal: true

# ruby spec/bench/static.rb (rake bench:static): the static programs of dist/
# beside those compiled against the system's libraries, in the same run: one pair
# and many peers on loopback, hashing, packing. The target is a CPU time of at
# most 1.10 of the dynamic ones'. Settings: spec/bench/loopback_bench.rb.
require "etc"
require_relative "loopback_bench"

class Contestant
  # murder_client as hosts get it.
  class Static < Ours
    named "murder static", "murder_client", "murder"
    DIR = File.expand_path("../../dist/linux-#{Etc.uname[:machine]}", __dir__)

    def self.programs = DIR
  end
end

KINDS = [Contestant::Ours, Contestant::Static].freeze
HEADS = ["what", "dynamic: median (spread)", "static: median (spread)", "static/dynamic"].freeze

# CPU seconds of a command.
def cpu_of(*argv)
  before = Process.times
  system(*argv, out: File::NULL, err: File::NULL, exception: true)
  after = Process.times
  (after.cutime + after.cstime) - (before.cutime + before.cstime)
end

# { kind => [CPU seconds] } of making a torrent of what is at that path.
def torrents(source, dir, rounds)
  runs = KINDS.to_h { |kind| [kind, []] }
  rounds.times do
    runs.each do |kind, results|
      results << Gate.around do
        cpu_of(File.join(kind.programs, "murder_make_torrent"), source, "t:1", "#{dir}/out.tgz.torrent")
      end
      FileUtils.rm_f(Dir["#{dir}/out*"])
    end
  end
  runs
end

# 50 files of random bytes and 50 of text, 172 MB.
def make_tree(dir)
  FileUtils.mkdir_p(dir)
  50.times do |i|
    bytes = Random.bytes(1_480_000)
    File.binwrite("#{dir}/random#{i}", bytes)
    File.write("#{dir}/text#{i}", [bytes].pack("m"))
  end
end

def row(what, dynamic, static)
  [what, Report.spread(dynamic), Report.spread(static), format("%.2f", Report.median(static) / Report.median(dynamic))]
end

# Rows of one race.
def race_rows(name, runs, mib, peers)
  dynamic, static = KINDS.map { |kind| runs.fetch(kind).compact }
  { "last complete, s" => :last.to_proc, "sender CPU s per GiB" => ->(run) { run.sent * 1024 / mib },
    "receiver CPU s per GiB" => ->(run) { run.received * 1024 / mib / peers },
    "largest receiver, MiB" => ->(run) { run.rss_kib / 1024.0 } }
    .map { |what, value| row("#{name}: #{what}", dynamic.map(&value), static.map(&value)) }
end

set = LoopbackBench::SETTINGS
table = OwnNetwork.enter do |net|
  bench = LoopbackBench.new(net)
  abort bench.absent.values.join("\n") if KINDS.any?(&:missing)
  race_rows("one pair, #{set["PAIR_MIB"]} MiB", bench.race(KINDS, 1, set["PAIR_MIB"]), set["PAIR_MIB"], 1) +
    race_rows("#{set["PEERS"]} peers, #{set["MIB"]} MiB", bench.race(KINDS, set["PEERS"], set["MIB"]), set["MIB"],
              set["PEERS"])
end
Dir.mktmpdir("murder-bench-", File.directory?("/dev/shm") ? "/dev/shm" : nil) do |dir|
  File.open("#{dir}/file", "wb") { |file| IO.copy_stream("/dev/urandom", file, set["PAIR_MIB"] << 20) }
  make_tree("#{dir}/tree")
  table << row("make_torrent of a file of #{set["PAIR_MIB"]} MiB: CPU s",
               *torrents("#{dir}/file", dir, set["ROUNDS"]).values)
  table << row("make_torrent of a directory of 172 MB: CPU s", *torrents("#{dir}/tree", dir, set["ROUNDS"]).values)
end
text = <<~TEXT
  #{Report.conditions(LoopbackBench.command("rake bench:static"))} The programs of `rake dist` beside those of `rake compile`, in turn, medians of #{set["ROUNDS"]} rounds; conditions otherwise as on loopback, above.

  #{Report.table(HEADS, table)}
TEXT
puts text
Report.write("static", "Static beside dynamic", text) unless ENV["MURDER_BENCH_DRY"]
