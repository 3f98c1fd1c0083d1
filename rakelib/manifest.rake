# frozen_string_literal: true

# Top-level entries of the repository that the gem leaves out on purpose.
MURDER_NOT_SHIPPED = %r{\A(?:\.|bin/|Gemfile|gemfiles/|Rakefile|rakelib/|spec/|murder\.gemspec\z|dist/|ext/static/)}
# What `rake dist` makes for the gem.
MURDER_PREBUILT = %r{\Adist/(?:MANIFEST\z|LICENSES/|[^/]+-[^/]+/)}

def murder_gemspec
  Gem::Specification.load(File.expand_path("../murder.gemspec", __dir__))
end

desc "List the files that go into the gem"
task :manifest do
  puts murder_gemspec.files
end

desc "Check that the gem holds every file of lib, ext, doc and man, and nothing unknown to git"
task :check_manifest do
  shipped = murder_gemspec.files
  known = `git ls-files`.lines(chomp: true).select { |file| File.file?(file) }
  forgotten = known.grep_v(MURDER_NOT_SHIPPED) - shipped
  unknown = shipped.grep_v(MURDER_PREBUILT) - known
  abort "not in the gem, not excluded: #{forgotten.join(" ")}" if forgotten.any?
  abort "in the gem, not in git: #{unknown.join(" ")}" if unknown.any?
  puts "manifest: #{shipped.size} files"
end

desc "Build the gem into pkg/, with the static programs for every platform"
task build: "dist" do
  Rake::Task["gem"].invoke
end

desc "Build the gem into pkg/ with the programs that dist/ holds now, if any"
task :gem do
  mkdir_p "pkg"
  sh "gem", "build", "murder.gemspec", "--strict", "--output", "pkg/murder-#{murder_gemspec.version}.gem"
end
