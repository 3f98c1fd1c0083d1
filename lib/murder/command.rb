# frozen_string_literal: true

module Murder
  # A command for a POSIX shell on a host, as a value: words, environment and
  # redirections. {#to_s} is the only place where murder makes shell text, and
  # it quotes every word.
  #
  #   Command.new("rm", "-f", Command.path("~/a b")).to_s  # => rm -f ~/'a b'
  class Command
    # Words that mean themselves to every shell.
    SAFE = %r{\A[A-Za-z0-9_\-.,:+/@%=]+\z}
    private_constant :SAFE

    # A word that names a path: a leading "~/" or "~user/" stays for the remote
    # shell to expand, the rest is quoted, and a relative path never looks like
    # an option.
    Path = Struct.new(:value) do
      def to_s
        home, rest = value.match(%r{\A(~(?:[A-Za-z_][A-Za-z0-9_.-]*)?)(?:/+(.*))?\z}m)&.captures
        return Command.quote(value.match?(%r{\A(?:/|\.{1,2}(?:/|\z))}) ? value : "./#{value}") if home.nil?

        rest.to_s.empty? ? home : "#{home}/#{Command.quote(rest)}"
      end
    end

    # @param word [String]
    # @return [String] the word as one word of a POSIX shell
    def self.quote(word)
      word.match?(SAFE) ? word : "'#{word.gsub("'", "'\\\\''")}'"
    end

    # @param value [String] a path on a host, perhaps beginning with "~/"
    # @return [Path] to be used as a word
    def self.path(value)
      Path.new(value.dup.freeze).freeze
    end

    # A fixed text for sh with values as its $1, $2, ...: the way to say more
    # than one program can, without interpolating anything. The lines become
    # one (Capistrano 2 sends no line breaks), so every statement needs its
    # semicolon.
    #
    # @param text [String] a constant
    # @param words [Array<String, Path>]
    # @param name [String] what the shell calls itself in messages
    def self.script(text, *words, name: "murder")
      new("sh", "-c", text.split("\n").map(&:strip).join(" "), name, *words)
    end

    attr_reader :words, :env, :redirect

    # @param words [Array<#to_s, Path>] program and arguments
    # @param env [Hash{String => String}] set for this command alone
    # @param redirect [Hash{String => String, Path}] such as "2>" => "/dev/null"
    def initialize(*words, env: {}, redirect: {})
      raise ArgumentError, "a command needs a program" if words.empty?

      @words = words.map { |word| word.is_a?(Path) ? word : word.to_s.dup.freeze }.freeze
      @env = env.dup.freeze
      @redirect = redirect.dup.freeze
      freeze
    end

    # @return [String] the text for the shell
    def to_s
      [
        *env.map { |name, value| "#{name}=#{self.class.quote(value)}" },
        *words.map { |word| render(word) },
        *redirect.map { |operator, target| "#{operator} #{render(target)}" }
      ].join(" ")
    end

    def ==(other)
      other.is_a?(Command) && to_s == other.to_s
    end
    alias eql? ==

    def hash
      to_s.hash
    end

    private

    def render(word)
      word.is_a?(Path) ? word.to_s : self.class.quote(word)
    end
  end
end
