# frozen_string_literal: true

module Lab
  # One distribution from host 0 to all others, watched.
  class Run
    # All times in seconds from the moment the first receiver was started; of
    # those that shall finish, nil for one that did not. Bytes are what host 0's
    # interface sent, headers included, rack_bytes what went into the rack that
    # got most (nil without racks); server_cpu is what its programs used from
    # that moment on.
    Result = Struct.new(:contestant, :starts, :times, :slow_times, :killed, :faults, :seeder_bytes, :rack_bytes, :cpu,
                        :server_cpu, :machine_cpu, :seconds, :rss_kib, :failures, keyword_init: true) do
      def skew = starts.max
      def last = times.compact.max
      def complete? = failures.empty?
    end

    attr_reader :network, :contestant

    # limit: seconds after which the run is given up, if not the settings'.
    def initialize(network, contestant, speed, limit = network.settings.whole("TIMEOUT"))
      @network = network
      @contestant = contestant
      @expected = network.settings.size / speed.bytes_per_second
      @limit = limit.positive? ? limit : 60 + (@expected * 10)
    end

    # Carries it out and leaves the lab as it was.
    def perform
      contestant.prepare
      @servers = contestant.servers.map { |name, argv, ready| serve(name, argv, ready) }
      @receivers = network.receivers.map { |node| network.program(node, "receiver", contestant.receiver(node)) }
      await("the receivers' first processes", 60) { @receivers.all?(&:ready?) }
      sleep([0, contestant.settle - (Lab.now - @servers.last.started)].max) if contestant.settle.positive?
      @idle_cpu = @servers.sum(&:cpu_so_far)
      before = meters
      watch
      result(before.zip(meters).map { |from, to| to - from })
    ensure
      network.clear
    end

    def server(name) = @servers.find { |program| program.name == name }

    private

    def meters = [network.sent(network.seeder), Network.machine_cpu, Lab.now, *network.into_racks]

    def serve(name, argv, ready)
      program = network.program(network.seeder, name, argv)
      await("#{name}'s first process", 10) { program.ready? }
      program.go
      return program if ready.nil?

      await("#{name}: #{ready}", 60, pause: 0.05) do
        raise Error, "#{contestant.name}: #{name} ended: #{program.complaint}" if program.ended_at

        ready.is_a?(Regexp) ? program.said(ready) : contestant.ready?(ready)
      end
      program
    end

    def await(what, seconds, pause: 0, &block)
      done = network.wait_until(seconds) { block.call || (sleep(pause) && false) }
      raise Error, "#{contestant.name}: #{what} did not come within #{seconds} s" unless done
    end

    # From the word to start until everybody has finished, failed or was killed.
    def watch
      @receivers.each(&:go)
      @faults = Faults.new(self, @expected)
      from = Lab.now
      network.wait_until(@limit) do
        @faults.step(Lab.now - from)
        open_receivers.empty?
      end
    end

    def open_receivers
      @receivers.reject { |program| finish(program) || program.ended_at || program.gone? || killed?(program) }
    end

    def killed?(program) = @faults.killed.include?(program.node)

    def finish(program) = program.said(contestant.done)

    def survivors = @receivers.reject { |program| killed?(program) }

    def result(used)
      slow = survivors.last(network.settings.slow)
      complaints = failures(network.settings.flag?("VERIFY") ? wrong_outputs : [])
      (@receivers + @servers).each(&:close)
      Result.new(contestant: contestant.name, starts: starts, times: times(survivors - slow), slow_times: times(slow),
                 killed: @faults.killed.size, faults: @faults.happened, seeder_bytes: used[0],
                 machine_cpu: used[1], seconds: used[2], rack_bytes: used.drop(3).max, failures: complaints, **cost)
    end

    def origin = @receivers.filter_map(&:started).min
    def starts = @receivers.filter_map(&:started).map { |time| time - origin }
    def times(programs) = programs.map { |program| finish(program)&.-(origin) }

    def cost
      { cpu: survivors.filter_map(&:cpu), server_cpu: @servers.filter_map(&:cpu).sum - @idle_cpu,
        rss_kib: survivors.filter_map(&:rss_kib).max }
    end

    # A line for each that did not finish, or not with the right bytes.
    def failures(wrong)
      unfinished = survivors.reject { |program| finish(program) }.map do |program|
        "#{program.node.name}: #{program.ended_at ? "status #{program.status}" : "not finished"}: #{program.complaint}"
      end
      unfinished + wrong.map { |name| "#{name}: what arrived differs from the payload" } +
        @faults.missed.map { |name| "#{name}: did not happen" }
    end

    # The hosts that say they have it all and do not.
    def wrong_outputs
      nodes = survivors.select { |program| finish(program) }.map(&:node)
      # It is renamed into place right after it was said to be complete.
      network.wait_until(5) { nodes.all? { |node| File.exist?(network.path(contestant.output(node))) } }
      script = 'payload=$1; shift; for file; do cmp -s "$payload" "$file" || echo "$file"; done'
      bad = network.sh!(script, network.payload, *nodes.map { |node| contestant.output(node) }).lines(chomp: true)
      nodes.select { |node| bad.include?(contestant.output(node)) }.map(&:name)
    end
  end
end
