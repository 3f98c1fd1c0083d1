# frozen_string_literal: true

require_relative "../hosts/processes"

module Demo
  # Watches the hosts while `murder:peer` runs: what their network interfaces
  # count, and when the complete file stands on each under its final name.
  class Watch
    Row = Struct.new(:host, :down, :up, :seconds)

    # In the fleet's directory `marks` the Capfile's hooks leave `begin` and `end`,
    # and the last of them waits until `begin` is taken away.
    #
    # @param told [Told, nil] what to go by instead of interfaces
    def initialize(fleet, told = nil)
      @told = told
      @hosts = fleet.hosts
      @marks = fleet.workdir.join("marks")
      @archives = "#{fleet.temp}/*.tgz"
    end

    # Watches while the block runs. Gives its result and the rows.
    def during
      FileUtils.rm_f([mark("begin"), mark("end")])
      @complete = {}
      thread = Thread.new { watch }
      result = yield
      thread.join(1)
      [result, rows]
    ensure
      thread&.kill
    end

    private

    def watch
      sleep 0.01 until File.exist?(mark("begin"))
      @begun = Hosts::Processes.now
      @before = counters
      until File.exist?(mark("end"))
        look
        sleep 0.02
      end
      look
      @told&.wait
      @after = counters
      FileUtils.rm_f(mark("begin"))
    end

    def look
      (@hosts - @complete.keys).each do |host|
        next if Dir.glob(host.path(@archives)).empty?

        @complete[host] = Hosts::Processes.now - @begun
      end
    end

    def rows
      return [] if @after.nil?

      @hosts.map do |host|
        Row.new(host, *bytes(host), @complete[host])
      end
    end

    def bytes(host)
      return @told.traffic.fetch(host, [nil, nil]) if @told

      @after[host].zip(@before[host]).map { |after, before| after - before }
    end

    # { host => [bytes received, bytes sent] } on its link.
    def counters
      @hosts.to_h { |host| [host, host.traffic] }
    end

    def mark(name)
      File.join(@marks, name)
    end
  end
end
