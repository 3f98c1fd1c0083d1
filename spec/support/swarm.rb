# frozen_string_literal: true

require "digest"
require "English"
require "etc"
require "fileutils"
require "json"
require "net/http"
require "socket"
require "timeout"
require "tmpdir"

# One swarm of the real programs on loopback, in a directory of its own. Knows
# every process it started by its pid and ends all of them in #close.
class Swarm
  PROGRAMS = File.expand_path(ENV.fetch("MURDER_PROGRAMS", File.expand_path("../../ext/murder/build", __dir__)))

  # What a program that has ended left behind.
  Result = Struct.new(:status, :out, :err)

  # A program under way; stdout and stderr go to files, so a detached child
  # that keeps them open holds nobody up.
  class Running
    attr_reader :pid

    # What sanitizers find, in detached processes too, Swarm#close looks for.
    def initialize(dir, argv, env: {}, limits: {})
      log = "log_path=#{File.join(dir, "sanitizer")}"
      env = { "ASAN_OPTIONS" => log, "UBSAN_OPTIONS" => "#{log}:print_stacktrace=1" }.merge(env)
      @out, @err = %w[out err].map { |name| File.join(dir, "#{name}-#{argv.object_id}") }
      @pid = Process.spawn(env, *argv, out: @out, err: @err, in: File::NULL, chdir: dir, **limits)
    end

    # Waits for the end; a program that does not end in time is a failure.
    def wait(seconds = 60)
      Timeout.timeout(seconds) { Process.wait(pid) }
      @status = $CHILD_STATUS
      Result.new(@status.exitstatus || -@status.termsig, File.read(@out), File.read(@err))
    rescue Timeout::Error
      kill
      raise "no end after #{seconds} s: #{File.read(@err)}"
    end

    def err = File.read(@err)

    def kill(signal = :KILL)
      Process.kill(signal, pid) unless @status
    rescue Errno::ESRCH
      nil
    end

    # Ends it if it still runs.
    def close
      return if @status

      kill
      Process.wait(pid)
    rescue Errno::ECHILD
      nil
    end
  end

  attr_reader :dir, :port

  def initialize(base: Dir.tmpdir)
    @dir = Dir.mktmpdir("murder-spec-", base)
    @port = Swarm.free_port
    @running = []
  end

  def self.free_port
    TCPServer.open("127.0.0.1", 0) { |server| server.addr[1] }
  end

  def path(name) = File.join(dir, name)
  def run_dir = path("run")

  # Runs a program to its end.
  def run(program, *args, wait: 60, **opts) = start(program, *args, **opts).wait(wait)

  # Starts a program.
  def start(program, *args, **opts)
    argv = [File.join(PROGRAMS, "murder_#{program}"), *args.map(&:to_s)]
    argv += ["--run-dir", run_dir] unless program == :make_torrent || args.first == "extract"
    Running.new(dir, argv, **opts).tap { |running| @running << running }
  end

  def start_tracker = run(:tracker, "--port", port, "--daemon")

  # A file of n random MiB, and its torrent; gives the torrent's name.
  def make_payload(name = "payload", mib: 8, piece: nil, tracker_port: port)
    File.open(path(name), "wb") { |f| mib.times { f.write(Random.bytes(1 << 20)) } }
    make_torrent(name, piece: piece, tracker_port: tracker_port)
  end

  def make_torrent(name, piece: nil, tracker_port: port, torrent: "#{name}.torrent")
    args = piece ? ["--piece-length", piece] : []
    result = run(:make_torrent, name, "127.0.0.1:#{tracker_port}", torrent, *args)
    raise result.err unless result.status.zero?

    torrent
  end

  def start_seeder(torrent = "payload.torrent", file = "payload", *args)
    run(:client, "seeder", torrent, file, "--daemon", "--timeout", 20, *args)
  end

  # Peer of that number under a tag of its own, as if it were a host of its own.
  def start_peer(number = 1, *args, torrent: "payload.torrent", out: "out#{number}", linger: 0, timeout: 20, **opts)
    start(:client, "peer", torrent, out, "--tag", "p#{number}", "--linger", linger, "--timeout", timeout, *args, **opts)
  end

  # Whether a process is gone (or only waits for its parent to notice).
  def self.gone?(pid)
    File.read("/proc/#{pid}/stat")[/\) (\S)/, 1] == "Z"
  rescue Errno::ENOENT, Errno::ESRCH
    true
  end

  # The pid of a detached process.
  def pid_of(role, tag)
    line = run(:client, "status", role, "--tag", tag).out
    line[/pid=(\d+)/, 1]&.to_i
  end

  def same?(name, other = "payload") = File.exist?(path(name)) && FileUtils.identical?(path(name), path(other))

  # Waits until so many bytes of a download are on the disk.
  def wait_for_bytes(name, bytes, seconds = 30)
    Swarm.wait_until(seconds) { (File.stat(path(name)).blocks * 512 >= bytes) rescue false } # rubocop:disable Style/RescueModifier
  end

  def self.wait_until(seconds = 10)
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
    until (value = yield)
      raise "nothing happened for #{seconds} s" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline

      sleep 0.005
    end
    value
  end

  # Ends everything and removes the directory.
  def close
    @running.each(&:close)
    [[:client, "stop", "peer", "--all"], [:client, "stop", "seeder", "--all"],
     [:tracker, "stop", "--port", port]].each { |args| run(*args, "--wait", 5) }
    found = Dir[path("sanitizer*")].map { |file| File.read(file) }
    raise found.join unless found.empty?
  ensure
    FileUtils.rm_rf(dir)
  end
end
