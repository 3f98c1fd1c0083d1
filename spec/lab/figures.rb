# frozen_string_literal: true

module Lab
  # What a run means: its times against the bound, what it cost.
  class Figures
    attr_reader :result, :settings, :speed

    def initialize(settings, speed, result)
      @settings = settings
      @speed = speed
      @result = result
    end

    def self.median(values)
      sorted = values.compact.sort
      return nil if sorted.empty?

      (sorted[(sorted.size - 1) / 2] + sorted[sorted.size / 2]) / 2.0
    end

    # One copy over one link, seconds.
    def copy = settings.size / speed.bytes_per_second

    # (F/c)(1 + floor(log2 N) / M), seconds; c is that of a rack's link where it is less.
    def bound = copy * rack_factor * (1 + (Math.log2(settings.hosts).floor.to_f / settings.pieces))

    def times = result.times.compact.sort
    def first = times.first
    def median = Figures.median(times)
    def p99 = times.empty? ? nil : times[(times.size * 0.99).ceil - 1]
    def last = times.last
    def ratio = last&./(bound)

    # What the seeder's interface sent, in units of what it sent for one plain copy.
    def copies = result.seeder_bytes / (speed.overhead * settings.size)

    # The same of what came into a rack, at most.
    def rack_copies = result.rack_bytes&./(speed.overhead * settings.size)

    # CPU seconds of all programs for each GiB that arrived.
    def cpu_per_gib
      (result.cpu.sum + result.server_cpu) * (1 << 30) / (settings.size * result.times.compact.size)
    end

    # The last slow host against its own link's time.
    def slow_ratio
      return nil if result.slow_times.compact.empty?

      result.slow_times.compact.max / (copy * settings.rate / settings.slow_rate)
    end

    def to_h
      { contestant: result.contestant, first: first, median: median, p99: p99, last: last, bound: bound,
        ratio: ratio, slow_ratio: slow_ratio, copies: copies, rack_copies: rack_copies, skew: result.skew,
        cpu_per_gib: times.empty? ? nil : cpu_per_gib, cpu_per_host: Figures.median(result.cpu),
        seeder_cpu: result.server_cpu, machine: result.machine_cpu / result.seconds,
        rss_mib: result.rss_kib.to_i / 1024.0 }
    end

    # One line for a run.
    def text
      words = ["#{result.contestant}:", *timing, format("seeder %.2f copies,", copies), *cost]
      words << format("at most %.2f copies into a rack,", rack_copies) if rack_copies
      words << format("slow hosts %.2f of their link's time,", slow_ratio) if slow_ratio
      words << "#{result.faults.join(", ")}," if result.faults.any?
      words.join(" ").chomp(",") + result.failures.first(5).map { |line| "\n  #{line}" }.join
    end

    private

    def rack_factor
      settings.racks.zero? ? 1 : [settings.rate.fdiv(settings.rack_rate), 1].max
    end

    def timing
      return ["nobody finished,"] if times.empty?

      [format("first %<first>.2f, median %<median>.2f, p99 %<p99>.2f, last %<last>.2f s;",
              first: first, median: median, p99: p99, last: last),
       format("T* %<bound>.2f s, T_last/T* %<ratio>.3f (%<more>+.0f ms);",
              bound: bound, ratio: ratio, more: (last - bound) * 1000)]
    end

    def cost
      [format("launch skew %.0f ms,", result.skew.to_f * 1000),
       format("CPU %<host>.2f s a host, %<gib>.2f s/GiB, machine %<machine>.0f %% of a core,",
              host: Figures.median(result.cpu).to_f, gib: times.empty? ? 0 : cpu_per_gib,
              machine: 100 * result.machine_cpu / result.seconds),
       format("%.0f MiB resident,", result.rss_kib.to_i / 1024.0)]
    end
  end
end
