# frozen_string_literal: true

MURDER_EXT = File.expand_path("../ext/murder", __dir__)

desc "Compile the three programs into ext/murder/build"
task :compile do
  sh "make", "-C", MURDER_EXT, "-j2"
end

desc "Run the C unit tests and the rules of the tree"
task check: :compile do
  sh "make", "-C", MURDER_EXT, "-j2", "check", "purity", "headers", "sizes"
end

desc "Remove what was compiled"
task :clean do
  sh "make", "-C", MURDER_EXT, "clean"
end
