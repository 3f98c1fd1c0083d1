# frozen_string_literal: true

desc "Write README's reference from the tables in lib/murder"
task :reference do
  require_relative "../spec/support/reference"
  File.write(Reference::README, Reference.apply(Reference.read(Reference::README)))
end
