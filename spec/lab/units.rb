# frozen_string_literal: true

module Lab
  # Numbers as people write them.
  module Units
    SIZES = { "" => 1, "B" => 1, "KiB" => 1 << 10, "MiB" => 1 << 20, "GiB" => 1 << 30 }.freeze
    RATES = { "bit" => 1, "kbit" => 1_000, "mbit" => 1_000_000, "gbit" => 1_000_000_000 }.freeze

    module_function

    # "64MiB" in bytes.
    def bytes(text)
      number, unit = text.to_s.match(/\A(\d+)\s*(\w*)\z/)&.captures
      raise ArgumentError, "#{text}: a size is a number and B, KiB, MiB or GiB" unless SIZES.key?(unit)

      number.to_i * SIZES[unit]
    end

    # "20mbit" in bits per second.
    def rate(text)
      number, unit = text.to_s.match(/\A(\d+(?:\.\d+)?)\s*(\w+)\z/)&.captures
      raise ArgumentError, "#{text}: a rate is a number and bit, kbit, mbit or gbit" unless RATES.key?(unit&.downcase)

      (number.to_f * RATES[unit.downcase]).round
    end

    def show_bytes(number)
      unit, factor = SIZES.drop(1).reverse.find { |_, one| number >= one && (number % one).zero? }
      factor == 1 || factor.nil? ? "#{number} B" : "#{number / factor} #{unit}"
    end

    def show_rate(bits)
      bits >= 1_000_000 ? format("%g Mbit/s", bits / 1e6) : format("%g kbit/s", bits / 1e3)
    end
  end
end
