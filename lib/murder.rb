# frozen_string_literal: true

require_relative "murder/version"

# `require "murder"` in a Capfile: BitTorrent deploys with Capistrano 2.
#
# The block is loaded, not run, so that Capistrano repeats it for every
# configuration that requires murder.
if defined?(Capistrano::Configuration) && Capistrano::Configuration.respond_to?(:instance)
  configuration = Capistrano::Configuration.instance ||
                  raise(LoadError, "murder: there is no Capistrano configuration yet: put `require \"murder\"` into " \
                                   "your Capfile, or set Thread.current[:capistrano_configuration] before it")
  require_relative "murder/capistrano2"
  configuration.load { Murder::Capistrano2.install(self) }
else
  raise LoadError, "murder: Capistrano 2 is not loaded: add `gem \"capistrano\", \"~> 2.15\"` to your Gemfile, put " \
                   "`require \"murder\"` into your Capfile and run `cap`"
end
