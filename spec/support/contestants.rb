# frozen_string_literal: true

require "fileutils"
require "socket"
require "timeout"

# BitTorrent clients side by side: ours and others, each as a seed or as a
# downloader, for the specs of interoperation and for the benchmarks. Each has
# a directory and an address of its own; nothing else than the torrent's
# tracker and its peers tells it of peers. Their settings are the best we found
# for a deploy on a private network; doc/PERFORMANCE.md names them.
class Contestant
  HERE = File.join(__dir__, "contestants")

  # What a contestant cost in all its processes: CPU seconds, largest resident KiB.
  Usage = Struct.new(:status, :user, :system, :rss_kib) do
    def cpu = user + system
  end

  class << self
    # Its name in tables; and what starts it: a program of $PATH.
    attr_reader :label, :program, :package

    def named(label, program, package)
      @label = label
      @program = program
      @package = package
    end

    # Why it cannot take part here, or nil.
    def missing
      return if ENV.fetch("PATH").split(":").any? { |dir| File.executable?(File.join(dir, program)) }

      "#{label} is not installed (Debian package #{package}; bin/setup --test installs it)"
    end

    # Why it cannot take part in a network of these addresses, or nil.
    def unreachable_at(_net) = nil

    # The helper that ends and measures them, compiled at first use.
    def reaper
      @@reaper ||= begin # rubocop:disable Style/ClassVars
        dir = Dir.mktmpdir("murder-reaper-")
        owner = Process.pid
        at_exit { FileUtils.rm_rf(dir) if Process.pid == owner }
        program = File.join(dir, "reaper")
        system("cc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-o", program, File.join(HERE, "reaper.c"), exception: true)
        program
      end
    end

    # Seconds a seed should have been up before downloaders start, to serve them best.
    def settle = 0

    def free_port = TCPServer.open("127.0.0.1", 0) { |server| server.addr[1] }
  end

  attr_reader :dir, :torrent, :address, :port, :usage, :pid, :started_at

  # @param dir [String] to be made; holds all it writes
  # @param torrent [String] of a single file
  # @param name [String] that file's name
  # @param root [String] where we find the file system it lives in
  def initialize(dir, torrent:, name: "payload", address: "127.0.0.1", port: Contestant.free_port, root: "")
    @dir = dir
    @torrent = torrent
    @name = name
    @address = address
    @port = port
    @root = root
    FileUtils.mkdir_p(here("data"))
  end

  def label = self.class.label
  def target = File.join(dir, "data", @name)
  def path(name) = File.join(dir, name)

  # Serves `file`, which is linked into its directory.
  def seed(file)
    spawn(seed_argv(file))
  end

  # Downloads to #target, and serves it from then on.
  def fetch = spawn(fetch_argv)

  # The command lines of both, everything made that they need; for a starter
  # of programs other than ours (the lab's).
  def seed_argv(file)
    File.link("#{@root}#{file}", "#{@root}#{target}")
    seed_command.map(&:to_s)
  end

  def fetch_argv = fetch_command.map(&:to_s)

  def done? = File.exist?(path("done"))

  # When the download was complete, seconds since the epoch, to a clock tick.
  def finished_at = File.stat(path("done")).mtime.to_f

  # Seconds the download took.
  def seconds = finished_at - started_at

  # What it said.
  def log = File.read(path("log"))

  # CPU seconds used so far by what runs now.
  def cpu_so_far
    descendants(pid).sum do |one|
      Dir["/proc/#{one}/task/*/schedstat"].sum { |file| Integer(File.read(file).split.first) }
    rescue Errno::ENOENT, Errno::ESRCH
      0
    end / 1e9
  end

  # Ends it and all it left behind. Gives its usage.
  def stop
    terminate
    Process.wait(pid) if pid
    read_usage
  rescue Errno::ECHILD
    read_usage
  ensure
    @pid = nil
  end

  # Tells it to end, without waiting.
  def terminate
    Process.kill(:TERM, pid) if pid
  rescue Errno::ESRCH
    nil
  end

  private

  def spawn(argv)
    @started_at = Process.clock_gettime(Process::CLOCK_REALTIME)
    @pid = Process.spawn({ "HOME" => dir }, Contestant.reaper, path("usage"), path("done.exit"), *argv,
                         chdir: dir, in: File::NULL, %i[out err] => path("log"))
    self
  end

  def descendants(parent)
    return [] unless parent

    children = File.read("/proc/#{parent}/task/#{parent}/children").split.map(&:to_i)
    children + children.flat_map { |child| descendants(child) }
  rescue Errno::ENOENT, Errno::ESRCH
    []
  end

  def read_usage
    return usage if usage

    words = File.exist?(path("usage")) ? File.read(path("usage")).split : []
    @usage = Usage.new(words[0].to_i, words[1].to_f, words[2].to_f, words[3].to_i)
  end

  # One of its files, as we find it.
  def here(name) = "#{@root}#{path(name)}"

  # Writes a file for it; gives the name it knows that by.
  def write(name, text, perm: 0o644)
    FileUtils.mkdir_p(File.dirname(here(name)))
    File.write(here(name), text, perm: perm)
    path(name)
  end

  # A program that some clients call when a download is complete; the file it
  # writes to may be a pipe.
  def hook = write("hook", "#!/bin/sh\necho done > '#{path("done")}'\n", perm: 0o755)
end

require_relative "contestants/ours"
require_relative "contestants/aria2"
require_relative "contestants/transmission"
require_relative "contestants/libtorrent"
require_relative "contestants/rtorrent"
require_relative "contestants/copy"
