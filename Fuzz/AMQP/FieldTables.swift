import AMQP
import CRabbitMQ

/// Field tables as a broker sends them: decoded into values, written, and decoded again.
enum FieldTables {
    static func judge(_ input: [UInt8]) throws {
        guard let values = decode(input) else { return }
        let written = try require(encode(values), "what was read cannot be written: \(values)")
        let again = try require(decode(written), "what was written cannot be read: \(values)")
        // Not the values: not-a-number is not equal to itself.
        try require("\(sorted(.table(again)))" == "\(sorted(.table(values)))", "\(values) became \(again)")
    }

    private static func decode(_ bytes: [UInt8]) -> [String: AMQPValue]? {
        var pool = amqp_pool_t()
        init_amqp_pool(&pool, 4096)
        defer { empty_amqp_pool(&pool) }
        var bytes = bytes
        return bytes.withUnsafeMutableBytes { buffer in
            var table = amqp_table_t()
            var offset = 0
            let encoded = amqp_bytes_t(len: buffer.count, bytes: buffer.baseAddress)
            guard amqp_decode_table(encoded, &pool, &table, &offset) == AMQP_STATUS_OK.rawValue else { return nil }
            return AMQPValue.table(table)
        }
    }

    private static func encode(_ values: [String: AMQPValue]) -> [UInt8]? {
        FieldArena.with { arena in
            // Ill-formed UTF-8 grows by being repaired.
            var bytes = [UInt8](repeating: 0, count: 1 << 17)
            var table = arena.table(values)
            let length = bytes.withUnsafeMutableBytes { buffer in
                var offset = 0
                let code = amqp_encode_table(
                    amqp_bytes_t(len: buffer.count, bytes: buffer.baseAddress), &table, &offset)
                return code == AMQP_STATUS_OK.rawValue ? offset : nil
            }
            return length.map { Array(bytes[..<$0]) }
        }
    }

    /// The same with tables as lists, ordered by name.
    private static func sorted(_ value: AMQPValue) -> AMQPValue {
        switch value {
        case .table(let members):
            .array(members.sorted { $0.key < $1.key }.map { .array([.string($0.key), sorted($0.value)]) })
        case .array(let values): .array(values.map(sorted))
        default: value
        }
    }
}
