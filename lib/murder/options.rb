# frozen_string_literal: true

require_relative "errors"
require_relative "hosts"

module Murder
  # The settings of one task: built once from Capistrano's variables and the
  # arguments on the command line, checked, frozen.
  class Options
    # One row of the reference: where a value comes from, what it must look
    # like, and the sentence that documents it.
    Setting = Struct.new(:name, :kind, :default, :doc, keyword_init: true)

    VARIABLES = [
      ["default_tag", "", "The tag when no `tag` argument is given; once set, it wins over the argument."],
      ["default_seeder_files_path", "", "The `files_path` of every `create_torrent`; once set, it wins over the " \
                                        "argument."],
      ["default_destination_path", "", "The `destination_path` of every `peer`; once set, it wins over the argument."],
      ["default_temp_path", "/tmp", "The directory for archives and .torrent files, on the hosts and on the machine " \
                                    "that runs cap; the argument `temp_path` wins over it."],
      ["remote_murder_path", nil, "The directory on the hosts for murder's programs; without one, " \
                                  "`\#{shared_path}/murder`."],
      ["tracker_port", 8998, "The port on which the tracker listens and on which everybody asks it."],
      ["tracker_host", nil, "The name or address under which the hosts reach the tracker; without one, the tracker " \
                            "role's host name as cap knows it."],
      ["murder_rack_by", nil, "Servers without the property `rack` whose addresses begin with so many equal bits " \
                              "are a rack (`24`: an IPv4 /24; `64`: an IPv6 /64); without it they are in none."],
      ["murder_max_hosts", nil, "The greatest number of hosts to which cap talks at once; without one, all of them."],
      ["murder_piece_length", "auto", "Bytes of a piece, a power of two from 16384; `auto`: by the payload's length."],
      ["murder_outside_links", nil, "Whether symbolic links that lead out of the directory, such as " \
                                    "`log -> ../../shared/log`, are sent and made on the peers; without a word they " \
                                    "are refused, but for a deploy with Capistrano 3, whose links are your " \
                                    "repository's own."]
    ].map { |name, default, doc| Setting.new(name: name.to_sym, kind: :variable, default: default, doc: doc) }.freeze

    # Of a deploy with Capistrano 3 alone.
    DEPLOY_VARIABLES = [
      ["murder_source", :git, "Where the release comes from. `:git`: `branch` of `repo_url`, from a mirror on the " \
                              "seeder, which alone talks to the repository. `:local`: `branch` of the git checkout " \
                              "in which you run cap. `:working_tree`: the files there as they are, without `.git`."],
      ["murder_manage_tracker", true, "Whether the deploy starts the tracker, and stops it unless it ran before."],
      ["murder_distribute", true, "Whether `deploy:check`, and so every deploy, sends murder's programs to servers " \
                                  "that have not got them."]
    ].map { |name, default, doc| Setting.new(name: name.to_sym, kind: :variable, default: default, doc: doc) }.freeze
    PIECE_LENGTHS = ["auto", *14.upto(24).map { |bits| (1 << bits).to_s }].freeze
    SOURCES = %i[git local working_tree].freeze

    ARGUMENTS = [
      ["tag", :value, "Names the transfer; no `/`."],
      ["files_path", :value, "The directory (with `path_is_file`, the file) on the seeder to distribute."],
      ["destination_path", :value, "The directory on the peers into which the files go, in a directory named by " \
                                   "the tag."],
      ["path_is_file", :flag, "`files_path` is a file: it is sent as it is and copied to `destination_path`, " \
                              "a directory (as TAG.tgz) or a file's name; a file there is replaced. " \
                              "On one file system it is a second name of the file in `temp_path`, but on a seeder."],
      ["no_tag_directory", :flag, "Extract to `destination_path` itself, which may hold other files; none of them " \
                                  "is overwritten."],
      ["unsafe_please_delete", :flag, "Empty the destination first."],
      ["do_not_download_torrent", :flag, "Leave the .torrent on the seeder; without it on the machine that runs cap, " \
                                         "`peer` cannot start."],
      ["temp_path", :value, "The directory to use instead of `default_temp_path`."]
    ].map { |name, kind, doc| Setting.new(name: name.to_sym, kind: kind, doc: doc) }.freeze

    FLAGS = ARGUMENTS.select { |row| row.kind == :flag }.map(&:name).freeze
    NO = ["", "0", "no", "false", "off"].freeze
    TAG_MAX_BYTES = 200
    private_constant :NO

    # What is said when a task lacks a value it needs.
    MISSING = {
      tag: "You must specify a 'tag' parameter to identify the transfer",
      files_path: "You must specify a 'files_path' parameter with the directory on the seeder which contains the " \
                  "files to distribute",
      destination_path: "You must specify a 'destination_path' parameter with the directory in which to place the " \
                        "transferred files: they go into a directory named by the tag inside it, or with " \
                        "no_tag_directory=1 into it",
      murder_path: "set :remote_murder_path, '/opt/murder' (or another directory for murder's programs on the hosts) " \
                   "in your Capfile: its default needs shared_path from Capistrano's deploy recipes"
    }.freeze

    attr_reader :tag, :files_path, :destination_path, :temp_path, :murder_path, :tracker_port, :tracker_host,
                :max_hosts, :piece_length, :outside_links, :rack_by, *FLAGS

    [*FLAGS, :outside_links].each { |flag| alias_method :"#{flag}?", flag }

    # @param variables [#call] name (Symbol) => value or nil
    # @param arguments [Hash{String => String}] such as ENV
    # @param forced [Hash{Symbol => Object}] what the deploy strategy decides; wins over everything
    # @param needs [Array<Symbol>] what must be given: :tag, :files_path, :destination_path, :murder_path
    # @raise [OptionError] naming what is missing or wrong
    def initialize(variables: ->(_name) {}, arguments: {}, forced: {}, needs: [])
      @variables = variables
      @arguments = arguments
      @forced = forced
      read_values(needs)
      read_flags
      needs.each { |name| raise OptionError, MISSING.fetch(name) if send(name).nil? }
      check
      remove_instance_variable(:@variables)
      remove_instance_variable(:@arguments)
      remove_instance_variable(:@forced)
      freeze
    end

    # @return [String] the archive on every host
    def archive
      "#{temp_path.chomp("/")}/#{tag}.tgz"
    end

    # @return [String] its .torrent, on every host and on the machine that runs cap
    def torrent
      "#{archive}.torrent"
    end

    # @return [Boolean] whether the payload is an archive that the peers unpack
    def extract?
      @extract
    end

    # @return [String] where a peer's files end up
    def destination
      return destination_path if !extract? || no_tag_directory

      "#{destination_path.chomp("/")}/#{tag}"
    end

    private

    def read_values(needs)
      @tag = variable_first(:default_tag, :tag)
      @files_path = variable_first(:default_seeder_files_path, :files_path)
      @destination_path = variable_first(:default_destination_path, :destination_path)
      @temp_path = argument(:temp_path) || variable(:default_temp_path)
      @murder_path = variable(:remote_murder_path) if needs.include?(:murder_path)
      @tracker_port = number(:tracker_port, 1..65_535)
      @tracker_host = variable(:tracker_host)
      @max_hosts = number(:murder_max_hosts, 1..)
      @piece_length = variable(:murder_piece_length)
      @rack_by = number(:murder_rack_by, 1..128)
    end

    def read_flags
      FLAGS.each do |name|
        given = @forced.fetch(name) { @arguments[name.to_s] }
        instance_variable_set(:"@#{name}", yes?(given))
      end
      @outside_links = yes?(@forced.fetch(:outside_links) { @variables.call(:murder_outside_links) })
      # a deploy may send an archive that is one already
      @extract = @forced.fetch(:extract) { !path_is_file }
    end

    def yes?(value)
      !NO.include?(value.to_s.downcase)
    end

    # The original's order: a default_* that is set wins over its argument.
    def variable_first(default, name)
      text(@forced[name]) || text(@variables.call(default)) || argument(name)
    end

    def argument(name)
      text(@arguments[name.to_s])
    end

    def variable(name)
      text(@variables.call(name)) || VARIABLES.find { |row| row.name == name }.default
    end

    # UTF-8 whatever the locale: with LANG=C Ruby takes arguments for ASCII.
    def text(value)
      value.nil? || value.to_s.empty? ? nil : value.to_s.dup.force_encoding(Encoding::UTF_8).freeze
    end

    def number(name, range)
      value = variable(name) or return nil
      number = Integer(value.to_s, 10, exception: false)
      return number if number && range.cover?(number)

      upto = range.end ? "from #{range.begin} to #{range.end}" : "of at least #{range.begin}"
      raise OptionError, "#{name} is #{value.inspect}: it must be a number #{upto}"
    end

    def check
      check_tag
      check_tracker_host
      check_piece_length
      %i[files_path destination_path temp_path murder_path].each { |name| check_text(name, send(name)) if send(name) }
      check_own(:remote_murder_path, murder_path) if murder_path
      check_own(:destination_path, destination_path) if destination_path && empties_destination_path?
      check_sendable(:temp_path, temp_path)
      check_sendable(:remote_murder_path, murder_path) if murder_path
    end

    # scp expands nothing; it begins in the login's home.
    def check_sendable(name, path)
      return unless path.match?(%r{\A~[^/]})

      raise OptionError, "#{name} is #{path.inspect}: files cannot be sent to another user's home by ~name; " \
                         "give the whole path"
    end

    def check_tag
      return if tag.nil?
      raise OptionError, "Tag cannot contain a / character" if tag.include?("/")

      check_text(:tag, tag)
      raise OptionError, "tag is #{tag.inspect}: it cannot be a file's name" if [".", ".."].include?(tag)
      return if tag.bytesize <= TAG_MAX_BYTES

      raise OptionError, "tag is #{tag.bytesize} bytes long: at most #{TAG_MAX_BYTES} fit into a file's name"
    end

    def check_tracker_host
      return if tracker_host.nil? || Hosts.name?(tracker_host)

      raise OptionError, "tracker_host is #{tracker_host.inspect}: it must be a host's name or address, without a " \
                         "port (that is tracker_port)"
    end

    def check_piece_length
      return if PIECE_LENGTHS.include?(piece_length)

      raise OptionError, "murder_piece_length is #{piece_length}: it must be one of #{PIECE_LENGTHS.join(", ")}"
    end

    def check_text(name, value)
      raise OptionError, "#{name} is #{value.inspect}: it is not valid UTF-8" unless value.valid_encoding?

      reason = "control characters are not allowed" if value.match?(/[[:cntrl:]]/)
      reason ||= "it must not begin or end with a space" if value.match?(/\A\s|\s\z/)
      raise OptionError, "#{name} is #{value.inspect}: #{reason}" if reason
    end

    def empties_destination_path?
      unsafe_please_delete && (no_tag_directory || !extract?)
    end

    # A directory that murder empties must be one of its own: no root, no home,
    # nothing that could lead there.
    def check_own(name, path)
      parts = path.split("/").reject { |part| part.empty? || part == "." }
      return if parts.size > (path.start_with?("~") ? 1 : 0) && !parts.include?("..")

      raise OptionError, "#{name} is #{path.inspect}: murder empties that directory, so it must be one of its own"
    end
  end
end
