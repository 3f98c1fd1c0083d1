# frozen_string_literal: true

# Announces per CPU second of murder_tracker beside opentracker, in the same
# run, on loopback: ruby spec/bench/tracker.rb [ANNOUNCES [ROUNDS]]. Needs the
# Debian package opentracker and a C compiler; takes under a minute.
require "json"
require "open3"
require "socket"
require "tmpdir"

BUILD = File.expand_path(ENV.fetch("MURDER_PROGRAMS", File.expand_path("../../ext/murder/build", __dir__)))
ANNOUNCES = Integer(ARGV.fetch(0, 30_000))
ROUNDS = Integer(ARGV.fetch(1, 3))
PEERS = 10_000
CONNECTIONS = 64
INFO_HASH = "123456789a#{"abcdefghijklmno".unpack1("H*")}".freeze

def free_port = TCPServer.open("127.0.0.1", 0) { |server| server.addr[1] }

# Seconds of CPU a process has used.
def cpu(pid) = Integer(File.read("/proc/#{pid}/schedstat").split.first) / 1e9
def rss_kib(pid) = File.read("/proc/#{pid}/status")[/VmRSS:\s+(\d+)/, 1].to_i

# Starts a tracker, loads it and gives what it took.
def measure(argv, port, dir, mode, announces: ANNOUNCES, peers: PEERS, stripes: false)
  pid = Process.spawn(*argv, chdir: dir, out: File::NULL, err: File::NULL)
  sleep 0.5
  empty = rss_kib(pid)
  before = cpu(pid)
  out, status = Open3.capture2(File.join(dir, "announces"), port.to_s, announces.to_s, CONNECTIONS.to_s,
                               peers.to_s, mode, *("stripes" if stripes))
  raise "#{argv.first} failed announces: #{out}" unless status.success?

  JSON.parse(out).merge("per_cpu_s" => (announces / (cpu(pid) - before)).round, "rss_kib" => rss_kib(pid) - empty)
ensure
  Process.kill(:TERM, pid)
  Process.wait(pid)
end

def murder(dir)
  port = free_port
  [[File.join(BUILD, "murder_tracker"), "--port", port.to_s, "--run-dir", File.join(dir, "run")], port]
end

def opentracker(dir)
  port = free_port
  list = File.join(dir, "whitelist")
  File.write(list, "#{INFO_HASH}\n")
  [["opentracker", "-i", "127.0.0.1", "-p", port.to_s, "-P", port.to_s, "-d", dir, "-w", "whitelist"], port]
end

# Resident bytes that a peer adds, where there are many already: by a tracker with
# PEERS of them and one with four times as many. The rest is connections.
def bytes_a_peer(dir, stripes)
  few, many = [PEERS, 4 * PEERS].map do |peers|
    measure(*murder(dir), dir, "close", announces: peers, peers: peers, stripes: stripes)["rss_kib"]
  end
  (many - few) * 1024 / (3 * PEERS)
end

def median(values) = values.sort[values.size / 2]

Dir.mktmpdir("murder-bench-") do |dir|
  File.chmod(0o755, dir)
  system("cc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-o", File.join(dir, "announces"),
         File.join(__dir__, "announces.c"), exception: true)
  runs = Hash.new { |hash, key| hash[key] = [] }
  ROUNDS.times do
    runs["murder_tracker, connection each"] << measure(*murder(dir), dir, "close")
    runs["murder_tracker, stripes"] << measure(*murder(dir), dir, "close", stripes: true)
    runs["opentracker, connection each"] << measure(*opentracker(dir), dir, "close")
    runs["murder_tracker, kept alive"] << measure(*murder(dir), dir, "keep")
  end
  runs.each do |name, results|
    all = results.map { |r| r["per_cpu_s"] }
    puts "#{name.ljust(32)} #{median(all)} announces per CPU second (#{all.min} to #{all.max}), " \
         "p99 #{median(results.map { |r| r["p99_ms"] })} ms, +#{median(results.map { |r| r["rss_kib"] })} KiB"
  end
  ours, theirs = %w[murder_tracker opentracker].map do |name|
    median(runs.fetch("#{name}, connection each").map { |r| r["per_cpu_s"] })
  end
  puts "ratio, connection each: #{ours.fdiv(theirs).round(2)}"
  [false, true].each do |stripes|
    found = Array.new(ROUNDS) { bytes_a_peer(dir, stripes) }
    puts "bytes a peer#{", stripes" if stripes}: #{median(found)} (#{found.min} to #{found.max})"
  end
end
