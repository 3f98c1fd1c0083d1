# frozen_string_literal: true

# ruby spec/bench/memory.rb (rake bench:memory): the resident memory of seeder and
# receiver with a large payload; the target is 64 MiB at 10 GiB. The payload is a
# hole, so that only the download takes room: what the clients hold in memory does
# not depend on the bytes. A minute or more for each row, by the disk.
#   MURDER_BENCH_MIB=10240 MURDER_BENCH_DIR (default: the temporary one)
#   MURDER_BENCH_DRY=1 (prints, writes nothing)
require_relative "../support/contestants"
require_relative "../support/swarm"
require_relative "report"

LIMIT = 900
MIB = Integer(ENV.fetch("MURDER_BENCH_MIB", 10_240))

# Seeder and receiver, both ended and measured.
def pair(swarm)
  seed, peer = %w[seed peer].map do |name|
    Contestant::Ours.new(swarm.path(name), torrent: swarm.path("payload.torrent"))
  end
  seed.seed(swarm.path("payload"))
  peer.fetch
  Swarm.wait_until(LIMIT) { peer.done? }
  raise "the receiver gave another file" unless system("cmp", "-s", peer.target, swarm.path("payload"))

  [seed, peer].each(&:stop)
ensure
  [seed, peer].compact.each(&:stop)
  FileUtils.rm_rf([swarm.path("seed"), swarm.path("peer")])
end

def row(swarm, piece)
  swarm.make_torrent("payload", piece: piece)
  length = Integer(File.binread(swarm.path("payload.torrent"))[/12:piece lengthi(\d+)e/, 1])
  sizes = pair(swarm).map { |one| format("%.1f", one.usage.rss_kib / 1024.0) }
  [piece || "default", "#{length / 1024} KiB", MIB * 1024 * 1024 / length, *sizes]
ensure
  FileUtils.rm_f(swarm.path("payload.torrent"))
end

swarm = Swarm.new(base: ENV.fetch("MURDER_BENCH_DIR", Dir.tmpdir))
begin
  File.open(swarm.path("payload"), "wb") { |file| file.truncate(MIB << 20) }
  swarm.start_tracker
  rows = [nil, "auto", "16M"].map { |piece| row(swarm, piece) }
ensure
  swarm.close
end

text = <<~TEXT
  #{Report.conditions("rake bench:memory")} The largest resident set of all processes of a client, by wait4: #{MIB} MiB from a seeder to one receiver on loopback.

  #{Report.table(["--piece-length", "piece length", "pieces", "seeder, MiB", "receiver, MiB"], rows)}
TEXT
puts text
Report.write("memory", "Resident memory", text) unless ENV["MURDER_BENCH_DRY"]
