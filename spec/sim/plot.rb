#!/usr/bin/env ruby
# frozen_string_literal: true

# Completion curves as SVG: reads the JSON lines of `murder_sim --hosts` (one
# file or stdin), writes to stdout.
#   murder_sim scenarios/8-equal.scn --hosts | plot.rb > curve.svg
require "json"

# Draws the share of hosts that are complete over time.
class Curve
  WIDTH = 720
  HEIGHT = 400
  LEFT = 60
  TOP = 30

  # @param run [Hash] the line of the run, @param hosts [Array<Hash>] its hosts
  def initialize(run, hosts)
    @run = run
    @done = hosts.map { |host| host["done_s"] }.select(&:positive?).sort
    @n_hosts = hosts.size
    abort "plot.rb: nobody finished, there is nothing to draw" if @done.empty?
    @end = [@done.last, run["bound_s"]].max * 1.05
  end

  # @return [String] the whole SVG
  def to_svg
    <<~SVG
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 #{WIDTH} #{HEIGHT}" font-family="sans-serif" font-size="12">
      <rect width="100%" height="100%" fill="white"/>
      #{axes}
      <line x1="#{x(@run["bound_s"])}" y1="#{TOP}" x2="#{x(@run["bound_s"])}" y2="#{y(0)}" stroke="#c00" stroke-dasharray="4 3"/>
      <text x="#{x(@run["bound_s"]) - 4}" y="#{TOP + 12}" fill="#c00" text-anchor="end">bound</text>
      <polyline fill="none" stroke="#06c" stroke-width="2" points="#{points}"/>
      <text x="#{LEFT}" y="18">#{title}</text>
      </svg>
    SVG
  end

  private

  def x(seconds) = (LEFT + (seconds / @end * (WIDTH - LEFT - 20))).round(1)
  def y(share) = (HEIGHT - 40 - (share * (HEIGHT - 40 - TOP))).round(1)

  def title
    "#{@run["scenario"]}, seed #{@run["seed"]}: #{@n_hosts} hosts, last after #{@run["last_s"]} s, " \
      "#{@run["ratio"]} times the bound"
  end

  # A step at each completion, so that the curve says nothing that did not happen.
  def points
    steps = @done.each_with_index.flat_map do |second, i|
      [[second, i.fdiv(@n_hosts)], [second, (i + 1).fdiv(@n_hosts)]]
    end
    [[0, 0], *steps].map { |second, share| "#{x(second)},#{y(share)}" }.join(" ")
  end

  def axes
    ticks = (0..5).map { |i| @end * i / 5 }
    across = ticks.map do |t|
      %(<text x="#{x(t)}" y="#{HEIGHT - 20}" text-anchor="middle">#{format("%.3g", t)} s</text>)
    end
    up = [0, 0.25, 0.5, 0.75, 1].map do |share|
      %(<text x="#{LEFT - 8}" y="#{y(share) + 4}" text-anchor="end">#{(100 * share).round} %</text>) +
        %(<line x1="#{LEFT}" y1="#{y(share)}" x2="#{WIDTH - 20}" y2="#{y(share)}" stroke="#ddd"/>)
    end
    (up + across).join("\n")
  end
end

lines = ARGF.each_line.map { |line| JSON.parse(line) }
run = lines.find { |line| line.key?("scenario") } or abort "plot.rb: no line of a run; see murder_sim --hosts"
puts Curve.new(run, lines.select { |line| line.key?("host") }).to_svg
