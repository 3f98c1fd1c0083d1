# frozen_string_literal: true

require "digest"
require "etc"
require "fileutils"
require "shellwords"
require "tmpdir"

# The programs as the gem carries them: static, for hosts with nothing installed.
module Dist
  BUILD = File.expand_path("../ext/static/build.sh", __dir__)
  FETCH = File.expand_path("../ext/static/fetch.sh", __dir__)
  CPUS = %w[x86_64 aarch64].freeze

  # Builds for one processor into +out+, with the objects in +scratch+.
  def self.programs(rake, cpu, env = {})
    rake.send(:sh, env, "sh", BUILD, "programs", cpu, verbose: false)
  end

  # Checksum of the executable for +cpu+ below +dir+.
  def self.checksum(dir, cpu)
    Digest::SHA256.file(File.join(dir, "linux-#{cpu}", "murder_client")).hexdigest
  end

  # Copies what is under version control, and what is new there, to +dir+.
  def self.copy_tree(rake, dir)
    list = "git ls-files -z --cached --others --exclude-standard"
    rake.send(:sh, "#{list} | xargs -0 cp --parents -Pt #{dir.shellescape}", verbose: false)
  end

  # Builds everything, libraries too, in a new directory; returns the checksum.
  def self.from_scratch(rake, cpu, sources)
    Dir.mktmpdir("murder-dist") do |dir|
      FileUtils.mkdir_p("#{dir}/tree")
      copy_tree(rake, "#{dir}/tree")
      env = { "MURDER_CACHE" => "#{dir}/cache", "MURDER_SOURCES" => sources,
              "MURDER_DIST" => nil, "MURDER_SCRATCH" => nil }
      rake.send(:sh, env, "sh", "#{dir}/tree/ext/static/build.sh", "programs", cpu, verbose: false)
      checksum("#{dir}/tree/dist", cpu)
    end
  end
end

desc "Build the static programs for every platform into dist/"
task dist: Dist::CPUS.map { |cpu| "dist:linux-#{cpu}" }

namespace :dist do
  Dist::CPUS.each do |cpu|
    desc "Build the static programs for linux-#{cpu}"
    task("linux-#{cpu}") do
      Dist.programs(self, cpu)
      Rake::Task["dist:manifest"].execute
    end
  end

  task(:here) { Rake::Task["dist:linux-#{Etc.uname[:machine]}"].invoke }

  desc "Run the C unit tests as static programs, under qemu for another processor"
  task :check, [:cpu] do |_task, args|
    sh "sh", Dist::BUILD, "check", args.fetch(:cpu, "x86_64"), verbose: false
  end

  desc "Write dist/MANIFEST and dist/LICENSES for the programs in dist/"
  task(:manifest) { sh "sh", Dist::BUILD, "manifest", verbose: false }

  desc "Renew the pinned versions and checksums from Debian's archive"
  task(:pin) { sh "sh", Dist::FETCH, "--pin", verbose: false }

  desc "Build all again, libraries too, in another directory, and compare: rake 'dist:reproducible[x86_64]'"
  task :reproducible, [:cpu] do |_task, args|
    cpu = args.fetch(:cpu, "x86_64")
    Rake::Task["dist:linux-#{cpu}"].invoke
    Dir.mktmpdir("murder-sources") do |sources|
      sh "sh", Dist::FETCH, sources, verbose: false
      sums = [Dist.checksum("dist", cpu), Dist.from_scratch(self, cpu, sources)]
      abort "dist: linux-#{cpu} differs between two builds: #{sums.join(" ")}" if sums.uniq.size > 1
      puts "linux-#{cpu}: built twice, in two directories, the same bytes: sha256:#{sums.first}"
    end
  end

  desc "Remove the programs from dist/ (the cache of libraries stays)"
  task(:clean) { rm_rf FileList["dist/*-*/", "dist/MANIFEST", "dist/LICENSES", "tmp/dist"] }
end
