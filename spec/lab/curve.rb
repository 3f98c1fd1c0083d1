# frozen_string_literal: true

module Lab
  # Completion curves: hosts that have finished over time, as SVG.
  module Curve
    WIDTH = 720
    HEIGHT = 360
    MARGIN = 56
    COLOURS = %w[#1f77b4 #d62728 #2ca02c #9467bd #ff7f0e #8c564b #e377c2].freeze

    module_function

    # curves: { "name" => [seconds, …] }; bound: T* in seconds; what happened later
    # than longest is left out.
    def svg(curves, hosts:, bound:, title:, longest: nil)
      longest = [[bound, *curves.values.flatten].max * 1.05, longest].compact.min
      body = [frame(title, hosts, longest), marker(bound, longest)]
      curves.each_with_index { |(name, times), i| body << curve(name, times, i, [hosts, longest]) }
      <<~SVG
        <svg xmlns="http://www.w3.org/2000/svg" width="#{WIDTH}" height="#{HEIGHT}" font-family="sans-serif" font-size="12">
        <rect width="100%" height="100%" fill="white"/>
        #{body.join("\n")}
        </svg>
      SVG
    end

    def x_of(seconds, longest) = (MARGIN + ((WIDTH - (2 * MARGIN)) * seconds / longest)).round(1)
    def y_of(count, hosts) = (HEIGHT - MARGIN - ((HEIGHT - (2 * MARGIN)) * count / hosts.to_f)).round(1)

    def frame(title, hosts, longest)
      step = 10**Math.log10(longest).floor
      step /= longest / step > 5 ? 1.0 : 5.0
      ticks = (0..(longest / step).floor).map do |tick|
        at = x_of(tick * step, longest)
        "<line x1=\"#{at}\" x2=\"#{at}\" y1=\"#{y_of(0, 1)}\" y2=\"#{y_of(0, 1) + 4}\" stroke=\"black\"/>" \
          "<text x=\"#{at}\" y=\"#{y_of(0, 1) + 18}\" text-anchor=\"middle\">#{format("%g", tick * step)} s</text>"
      end
      marks = [0, hosts / 2, hosts].map do |count|
        "<text x=\"#{MARGIN - 6}\" y=\"#{y_of(count, hosts) + 4}\" text-anchor=\"end\">#{count}</text>"
      end
      ["<text x=\"#{WIDTH / 2}\" y=\"24\" text-anchor=\"middle\" font-size=\"14\">#{escape(title)}</text>",
       "<path d=\"M#{MARGIN},#{y_of(1, 1)} V#{y_of(0, 1)} H#{WIDTH - MARGIN}\" fill=\"none\" stroke=\"black\"/>",
       *ticks, *marks].join("\n")
    end

    def marker(bound, longest)
      at = x_of(bound, longest)
      "<line x1=\"#{at}\" x2=\"#{at}\" y1=\"#{y_of(1, 1)}\" y2=\"#{y_of(0, 1)}\" stroke=\"grey\" " \
        "stroke-dasharray=\"4 3\"/><text x=\"#{at}\" y=\"#{y_of(1, 1) - 6}\" text-anchor=\"middle\" " \
        "fill=\"grey\">T*</text>"
    end

    # A step upwards for every host.
    def curve(name, times, number, scale)
      hosts, longest = scale
      colour = COLOURS[number % COLOURS.size]
      shown = times.sort.take_while { |time| time <= longest }
      steps = shown.each_with_index.map { |time, i| "H#{x_of(time, longest)} V#{y_of(i + 1, hosts)}" }
      steps << "H#{x_of(longest, longest)}" if shown.size < times.size
      "<path d=\"M#{x_of(0, longest)},#{y_of(0, hosts)} #{steps.join(" ")}\" fill=\"none\" stroke=\"#{colour}\" " \
        "stroke-width=\"2\"/><text x=\"#{MARGIN + 10}\" y=\"#{MARGIN + 14 + (number * 16)}\" fill=\"#{colour}\">" \
        "#{escape(name)}: last at #{times.max.round(1)} s</text>"
    end

    def escape(text) = text.gsub("&", "&amp;").gsub("<", "&lt;")
  end
end
