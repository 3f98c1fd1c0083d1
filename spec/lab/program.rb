# frozen_string_literal: true

module Lab
  # One program on one host of the lab, under lab_run.c: it waits for the word,
  # and all it does is told with the time at which it happened.
  class Program
    attr_reader :node, :name, :io, :lines, :started, :ended_at, :status, :cpu, :rss_kib, :log

    def initialize(network, node, name, argv)
      @node = node
      @name = name
      @log = network.path(node.dir, "#{name}.log")
      @lines = []
      control, @control = IO.pipe
      @io, out = IO.pipe
      @pid = Process.spawn(*network.prefix, Lab.tool("lab_run"), node.netns, node.dir, "#{node.dir}/#{name}.log",
                           *argv, in: control, out: out, err: [network.workdir.join("lab_run.log"), "a"])
      [control, out].each(&:close)
      @buffer = +""
    end

    # Takes in what lab_run has to say; false once it has ended.
    def hear
      @buffer << @io.read_nonblock(1 << 16)
      while (line = @buffer.slice!(/\A[^\n]*\n/))
        take(line.chomp)
      end
      true
    rescue IO::WaitReadable
      true
    rescue EOFError
      @gone = true
      false
    end

    def ready? = @ready == true
    def gone? = @gone == true

    # Starts it: one byte, so that many start at the same moment.
    def go = word("g")
    def terminate = word("t")

    # Ends it with all it left in the background.
    def kill = word("k")

    # Waits until it is gone for good, ended if need be.
    def close
      kill unless gone?
      @control.close unless @control.closed?
      Process.wait(@pid) unless @waited
      @waited = true
      hear until gone? || @io.closed?
      @io.close unless @io.closed?
    end

    # The time at which it first said something like that; nil if it has not.
    def said(pattern)
      @lines.find { |_, line| line.match?(pattern) }&.first
    end

    # CPU seconds of all that run now and were started by it.
    def cpu_so_far
      descendants(@pid).sum do |pid|
        Dir["/proc/#{pid}/task/*/schedstat"].sum { |file| Integer(File.read(file).split.first) }
      rescue Errno::ENOENT, Errno::ESRCH
        0
      end / 1e9
    end

    # The last it said on standard error.
    def complaint
      File.exist?(@log) ? File.read(@log).scrub.lines.last(3).join.strip : ""
    end

    private

    def descendants(parent)
      children = Dir["/proc/#{parent}/task/*/children"].flat_map { |file| File.read(file).split.map(&:to_i) }
      children + children.flat_map { |child| descendants(child) }
    rescue Errno::ENOENT, Errno::ESRCH
      []
    end

    def word(letter)
      @control.write_nonblock(letter) unless @control.closed?
    rescue Errno::EPIPE
      nil
    end

    def take(line)
      word, at, rest = line.split(" ", 3)
      case word
      when "ready" then @ready = true
      when "start" then @started = at.to_i / 1e9
      when "say" then @lines << [at.to_i / 1e9, rest.to_s]
      when "exit" then program_ended(at, rest)
      when "end" then all_ended(at, rest)
      end
    end

    def program_ended(time, status)
      @ended_at = time.to_i / 1e9
      @status = status.to_i
    end

    def all_ended(cpu, rss)
      @cpu = cpu.to_i / 1e6
      @rss_kib = rss.to_i
    end
  end
end
