# frozen_string_literal: true

desc "Run the Ruby specs that need no hosts (SPEC_OPTS passes on to rspec)"
task :spec do
  sh "rspec", "--tag", "~e2e"
end

desc "Check the Ruby style"
task :rubocop do
  sh "rubocop", "--cache", "false"
end
