# frozen_string_literal: true

require_relative "../../lib/murder/hosts"
require_relative "../../lib/murder/options"
require_relative "../../lib/murder/tasks"

# README's reference, made from the tables it documents. `rake reference`
# writes it between the markers; docs_spec.rb compares.
module Reference
  README = File.expand_path("../../README.md", __dir__)
  STATUS = File.expand_path("../../ext/murder/io/status.h", __dir__)
  # The roles' sentences; their names are Hosts::ROLES.
  ROLES = {
    peer: "Gets the files. Default: every server of every other role that is not `:no_release => true`, each once.",
    tracker: "Runs the tracker. Default: the first peer.",
    seeder: "Has the files first. Default: the first peer."
  }.freeze

  module_function

  # A file of ours, in whatever locale: a fresh Debian has none.
  def read(file)
    File.read(file, encoding: Encoding::UTF_8)
  end

  # @return [Hash{String => String}] section => text
  def sections
    { "tasks" => tasks, "arguments" => arguments, "variables" => variables,
      "deploy-variables" => deploy_variables, "roles" => roles, "statuses" => statuses }
  end

  def tasks
    rows = Murder::Tasks::ALL.map { |task| ["`murder:#{task.name}`", task.roles.join(", "), task.description] } +
           Murder::Tasks::DEPLOY.map { |name, text| ["`murder:#{name}`", "(Capistrano 3, by itself)", text] }
    table(["task", "runs on", "what it does"], rows)
  end

  def arguments
    rows = Murder::Options::ARGUMENTS.map do |row|
      users = Murder::Tasks::ALL.select { |task| uses?(task, row.name) }.map(&:name)
      ["`#{row.name}#{"=1" if row.kind == :flag}`", users == named_tasks ? "all with a tag" : users.join(", "), row.doc]
    end
    table(%w[argument for meaning], rows)
  end

  def variables
    rows = Murder::Options::VARIABLES.map { |row| ["`#{row.name}`", default(row), row.doc] }
    table(%w[variable default meaning], rows)
  end

  def deploy_variables
    rows = Murder::Options::DEPLOY_VARIABLES.map { |row| ["`#{row.name}`", default(row), row.doc] }
    table(%w[variable default meaning], rows)
  end

  def roles
    table(%w[role meaning], Murder::Hosts::ROLES.map { |name| ["`#{name}`", ROLES.fetch(name)] })
  end

  def statuses
    rows = read(STATUS).scan(/X\(\w+, (\d+), "([^"]+)"\)/)
    table(%w[status meaning], rows)
  end

  # @param text [String] README's
  # @return [String] the same with the sections as they should be
  def apply(text)
    sections.inject(text) do |result, (name, table)|
      result.sub(/(<!-- #{name} -->\n).*?(<!-- end -->)/m) { "#{Regexp.last_match(1)}#{table}#{Regexp.last_match(2)}" }
    end
  end

  def default(row)
    row.default.nil? ? "" : "`#{row.default.inspect}`"
  end

  def named_tasks
    Murder::Tasks::ALL.select { |task| task.needs.include?(:tag) }.map(&:name)
  end

  # Which tasks look at an argument that none of them has to be given.
  OPTIONAL = {
    path_is_file: %w[create_torrent peer], no_tag_directory: %w[peer], unsafe_please_delete: %w[peer],
    do_not_download_torrent: %w[create_torrent]
  }.freeze

  def uses?(task, name)
    return task.needs.include?(:tag) if name == :temp_path

    OPTIONAL.fetch(name) { return task.needs.include?(name) }.include?(task.name)
  end

  def table(head, rows)
    [head, head.map { "---" }, *rows].map { |row| "| #{row.join(" | ")} |\n" }.join
  end
end
