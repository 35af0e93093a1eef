import UVLoop

/// What the command line asks for.
struct Options: Sendable {
    static let usage = """
        usage: load --port <n> --requests <file> [--host <ip>] [--connections <n>] [--threads <n>] \
        [--rate <requests/s>] [--warmup <seconds>] [--seconds <seconds>] [--expect <status>]
        The file holds whole HTTP/1.1 requests, each after a line with its length in bytes.
        """

    struct Invalid: Error, CustomStringConvertible {
        let description: String
    }

    var host = "127.0.0.1"
    var port: UInt16 = 0
    var requestFile = ""
    var connections = 64
    var threads = 1
    /// Requests a second over all connections; 0 for as many as possible.
    var rate = 0.0
    /// Seconds before counting begins.
    var warmup = 2.0
    /// Seconds that are counted.
    var seconds = 10.0
    /// The status of a successful response; every other one is an error.
    var expected = 200

    /// - Throws: `Invalid` naming the argument.
    init(_ arguments: some Sequence<String>) throws {
        var rest = arguments.makeIterator()
        while let name = rest.next() {
            guard let value = rest.next() else { throw Invalid(description: "\(name) wants a value\n\(Self.usage)") }
            switch name {
            case "--host": host = value
            case "--port": port = try Self.number(name, value)
            case "--requests": requestFile = value
            case "--connections": connections = try Self.number(name, value)
            case "--threads": threads = try Self.number(name, value)
            case "--rate": rate = try Self.number(name, value)
            case "--warmup": warmup = try Self.number(name, value)
            case "--seconds": seconds = try Self.number(name, value)
            case "--expect": expected = try Self.number(name, value)
            default: throw Invalid(description: "unknown argument \(name)\n\(Self.usage)")
            }
        }
        guard port > 0, !requestFile.isEmpty, connections > 0, threads > 0, seconds > 0, warmup >= 0, rate >= 0 else {
            throw Invalid(description: Self.usage)
        }
    }

    /// Where the connections go.
    ///
    /// - Throws: `Invalid` for what is no IP address.
    var address: SocketAddress {
        get throws {
            guard let address = SocketAddress(ip: host, port: port) else {
                throw Invalid(description: "--host wants an IP address, not \(host)")
            }
            return address
        }
    }

    private static func number<Number: LosslessStringConvertible>(_ name: String, _ value: String) throws -> Number {
        guard let number = Number(value) else { throw Invalid(description: "\(name) wants a number, not \(value)") }
        return number
    }
}
