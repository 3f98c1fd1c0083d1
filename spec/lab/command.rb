# frozen_string_literal: true

require "json"
require_relative "lab"

module Lab
  # `rake lab`: the runs that were asked for, told on standard output.
  class Command
    def initialize(environment)
      @settings = Settings.new(environment)
      @out = $stdout
    end

    # 0; 1 when somebody did not finish; 0 as well when there can be no lab here.
    def run
      return skip(Lab.impossible) if Lab.impossible

      figures = measure
      @out.puts summary(figures) if figures.size > 1
      write_curve(figures) unless @settings["CURVE"].empty?
      figures.all? { |one| one.result.complete? } ? 0 : 1
    end

    private

    def skip(reason)
      @out.puts "skipped: #{reason}"
      0
    end

    def measure
      Network.open(@settings) do |network|
        speed = LinkSpeed.new(network)
        @out.puts head(speed)
        Array.new(@settings.whole("RUNS")) do
          figures = Figures.new(@settings, speed, Run.new(network, Murder.new(network), speed).perform)
          @out.puts figures.text, "json #{JSON.generate(figures.to_h)}"
          @out.flush
          figures
        end
      end
    end

    def head(speed)
      format("%<command>s: %<hosts>d hosts, %<size>s in %<pieces>d pieces, links of %<rate>s, one TCP flow carries " \
             "%<c>.3f Mbit/s (a plain copy takes %<copy>.2f s)",
             command: @settings.command, hosts: @settings.hosts, size: Units.show_bytes(@settings.size),
             pieces: @settings.pieces, rate: @settings.links,
             c: speed.bytes_per_second * 8 / 1e6, copy: speed.seconds)
    end

    def summary(figures)
      ratios = figures.filter_map { |one| one.ratio if one.last }
      return "no run finished" if ratios.empty?

      format("%<runs>d runs: T_last/T* median %<median>.3f (%<least>.3f to %<most>.3f), seeder %<copies>.2f copies",
             runs: figures.size, median: Figures.median(ratios), least: ratios.min, most: ratios.max,
             copies: Figures.median(figures.map(&:copies)))
    end

    def write_curve(figures)
      curves = figures.each_with_index.to_h { |one, i| ["#{one.result.contestant}, run #{i + 1}", one.times] }
      title = "#{@settings.hosts} hosts, #{Units.show_bytes(@settings.size)}, #{Units.show_rate(@settings.rate)}"
      File.write(@settings["CURVE"],
                 Curve.svg(curves, hosts: @settings.hosts, bound: figures.first.bound, title: title))
    end
  end
end
