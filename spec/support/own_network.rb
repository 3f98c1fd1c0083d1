# frozen_string_literal: true

require "fiddle"

# A network of our own: one loopback device with 65,000 addresses and nothing
# else, so that no byte leaves and every client has an address of its own.
# transmission, for one, talks to nobody at 127.0.0.0/8, and to one peer per
# address. Takes root; elsewhere the machine's own loopback has to do.
module OwnNetwork
  CLONE_NEWNET = 0x40000000
  PREFIX = "10.77"

  class << self
    # Runs the block, with all it starts, in such a network. It is given the
    # first two bytes of the addresses it may use: "127.0" if there is none.
    def enter
      File.open("/proc/thread-self/ns/net") do |home|
        next yield("127.0") unless unshare

        begin
          yield(PREFIX)
        ensure
          call("setns", home.fileno, CLONE_NEWNET)
        end
      end
    end

    private

    def unshare
      return false unless Process.uid.zero? && call("unshare", CLONE_NEWNET).zero?

      system("ip link set lo up && ip route add local #{PREFIX}.0.0/16 dev lo", exception: true)
    end

    # Both work on the calling thread alone, and what it starts inherits that.
    def call(name, *numbers)
      Fiddle::Function.new(Fiddle.dlopen(nil)[name], [Fiddle::TYPE_INT] * numbers.size, Fiddle::TYPE_INT).call(*numbers)
    end
  end
end
