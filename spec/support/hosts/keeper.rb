# frozen_string_literal: true

# Runs the command in its arguments and, as the "subreaper" of everything that
# comes of it, daemons too, ends all of it when standard input ends or SIGTERM
# comes. What a pid namespace does for a host, where there are none.
require "fiddle"
require "io/wait"
require_relative "processes"

PR_SET_CHILD_SUBREAPER = 36
prctl = Fiddle::Function.new(Fiddle.dlopen(nil)["prctl"], [Fiddle::TYPE_INT, *[Fiddle::TYPE_LONG] * 4],
                             Fiddle::TYPE_INT)
abort "keeper: prctl failed" unless prctl.call(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0).zero?

def descendants
  Hosts::Processes.tree(Process.pid).drop(1).select { |pid| Hosts::Processes.start(pid) }
end

def reap
  nil while Process.wait(-1, Process::WNOHANG)
rescue Errno::ECHILD
  nil
end

done = false
trap(:TERM) { done = true }
trap(:INT, "IGNORE")
Process.spawn(*ARGV, in: File::NULL)
reap until done || $stdin.wait_readable(0.2)
until descendants.empty?
  descendants.each do |pid|
    Process.kill(:KILL, pid)
  rescue Errno::ESRCH
    next
  end
  reap
  sleep 0.01
end
Process.waitall # the killed: none is left to the machine's first process
