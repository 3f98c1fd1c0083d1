# frozen_string_literal: true

require_relative "lib/murder/version"

Gem::Specification.new do |s|
  s.name = "murder"
  s.version = Murder::VERSION
  s.summary = "BitTorrent deploys for server fleets"
  s.description = "Capistrano tasks and a deploy strategy that distribute files over BitTorrent: " \
                  "every server that has a piece gives it on, so the last of a thousand finishes soon after the first."
  s.authors = ["The murder authors"]
  s.license = "Apache-2.0"
  s.homepage = "https://github.com/lg/murder"
  s.required_ruby_version = ">= 3.0"
  s.metadata = { "rubygems_mfa_required" => "true" }

  # `rake build` puts the programs of `rake dist` in.
  prebuilt = Dir.glob("dist/{MANIFEST,LICENSES/*,*-*/murder_*}", base: __dir__)
                .reject { |file| File.symlink?(File.join(__dir__, file)) }
  # Patterns, not git: the gem is built from a tarball as well as from a
  # clone. `rake check_manifest` compares the outcome with git.
  s.files = Dir.chdir(__dir__) do
    Dir.glob([
               "{CHANGELOG,CONTRIBUTING,README,SECURITY}.md", "LICENSE", "lib/**/*.rb", "exe/*", "man/*.[1-8]",
               "doc/*.md", "doc/*.svg", "doc/examples/*", "dist/README*", "ext/murder/{Rakefile,extconf.rb,Makefile}",
               "ext/murder/*.{mk,awk}", "ext/murder/{,core/,io/}*.{c,h}"
             ]) + prebuilt
  end
  s.bindir = "exe"
  s.executables = %w[murder_client murder_make_torrent murder_tracker]
  s.extensions = ["ext/murder/Rakefile"]
  s.add_dependency "rake", ">= 12", "< 14"
end
