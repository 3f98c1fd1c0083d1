# frozen_string_literal: true

require_relative "murder/version"

# `require "murder"` in a Capfile: BitTorrent deploys with Capistrano 2 or 3.
if defined?(Capistrano::Configuration) && Capistrano::Configuration.respond_to?(:env)
  require_relative "capistrano/murder"
  Capistrano::Configuration.env.install_plugin(Capistrano::Murder)
elsif defined?(Capistrano::Configuration) && Capistrano::Configuration.respond_to?(:instance)
  configuration = Capistrano::Configuration.instance ||
                  raise(LoadError, "murder: there is no Capistrano configuration yet: put `require \"murder\"` into " \
                                   "your Capfile, or set Thread.current[:capistrano_configuration] before it")
  require_relative "murder/capistrano2"
  # loaded, not run, so that Capistrano repeats it for every configuration that requires murder
  configuration.load { Murder::Capistrano2.install(self) }
else
  raise LoadError, "murder: Capistrano is not loaded: add `gem \"capistrano\"` to your Gemfile, put " \
                   "`require \"murder\"` into your Capfile (with Capistrano 3 below `require \"capistrano/setup\"`) " \
                   "and run `cap`"
end
