import CRabbitMQ

/// Memory for the texts and tables of one call into librabbitmq, freed or re-used all at once.
///
/// Owns an `amqp_pool_t`; what it hands out is valid until `recycle()` or the end of the arena.
package final class FieldArena {
    private var pool = amqp_pool_t()

    init() { init_amqp_pool(&pool, 4096) }

    /// Gives memory for the time of a closure. Swift ends an object after its last use, which may be before the C call
    /// that reads the memory; this does not.
    package static func with<R, E: Error>(_ body: (FieldArena) throws(E) -> R) throws(E) -> R {
        let arena = FieldArena()
        defer { withExtendedLifetime(arena) {} }
        return try body(arena)
    }

    deinit { empty_amqp_pool(&pool) }

    func recycle() { recycle_amqp_pool(&pool) }

    func bytes(_ source: some Collection<UInt8>) -> amqp_bytes_t {
        guard !source.isEmpty, let memory = amqp_pool_alloc(&pool, source.count) else {
            return amqp_bytes_t(len: 0, bytes: nil)
        }
        let buffer = UnsafeMutableRawBufferPointer(start: memory, count: source.count)
        buffer.copyBytes(from: source)
        return amqp_bytes_t(len: source.count, bytes: memory)
    }

    func text(_ source: String) -> amqp_bytes_t { bytes(source.utf8) }

    /// Copies a field table into the arena's memory.
    package func table(_ source: [String: AMQPValue]) -> amqp_table_t {
        guard !source.isEmpty, let memory = allocate(amqp_table_entry_t.self, source.count) else {
            return amqp_table_t(num_entries: 0, entries: nil)
        }
        for (index, (key, value)) in source.enumerated() {
            (memory + index).initialize(to: amqp_table_entry_t(key: text(key), value: field(value)))
        }
        return amqp_table_t(num_entries: Int32(source.count), entries: memory)
    }

    private func array(_ source: [AMQPValue]) -> amqp_array_t {
        guard !source.isEmpty, let memory = allocate(amqp_field_value_t.self, source.count) else {
            return amqp_array_t(num_entries: 0, entries: nil)
        }
        for (index, value) in source.enumerated() { (memory + index).initialize(to: field(value)) }
        return amqp_array_t(num_entries: Int32(source.count), entries: memory)
    }

    private func field(_ value: AMQPValue) -> amqp_field_value_t {
        var field = amqp_field_value_t()
        func set(_ kind: amqp_field_value_kind_t) { field.kind = UInt8(kind.rawValue) }
        switch value {
        case .bool(let truth):
            set(AMQP_FIELD_KIND_BOOLEAN)
            field.value.boolean = truth ? 1 : 0
        case .int(let number):
            set(AMQP_FIELD_KIND_I64)
            field.value.i64 = number
        case .double(let number):
            set(AMQP_FIELD_KIND_F64)
            field.value.f64 = number
        case .string(let text):
            set(AMQP_FIELD_KIND_UTF8)
            field.value.bytes = self.text(text)
        case .bytes(let bytes):
            set(AMQP_FIELD_KIND_BYTES)
            field.value.bytes = self.bytes(bytes)
        case .timestamp(let seconds):
            set(AMQP_FIELD_KIND_TIMESTAMP)
            field.value.u64 = seconds
        case .array(let values):
            set(AMQP_FIELD_KIND_ARRAY)
            field.value.array = array(values)
        case .table(let values):
            set(AMQP_FIELD_KIND_TABLE)
            field.value.table = table(values)
        case .null:
            set(AMQP_FIELD_KIND_VOID)
        }
        return field
    }

    private func allocate<T>(_ type: T.Type, _ count: Int) -> UnsafeMutablePointer<T>? {
        // The pool aligns to 8 bytes, which is enough for every type of this file.
        amqp_pool_alloc(&pool, count * MemoryLayout<T>.stride)?.bindMemory(to: type, capacity: count)
    }
}

extension AMQPValue {
    /// Tables and arrays within one another that are read; deeper ones count as null. A frame has room for twenty
    /// thousand, which would be more stack than a thread has.
    private static let depthLimit = 32

    /// Copies a value out of librabbitmq's memory.
    ///
    /// - Parameter depth: how many tables and arrays it is inside of.
    init(_ field: amqp_field_value_t, depth: Int = 0) {
        let value = field.value
        switch amqp_field_value_kind_t(UInt32(field.kind)) {
        case AMQP_FIELD_KIND_BOOLEAN: self = .bool(value.boolean != 0)
        case AMQP_FIELD_KIND_I8: self = .int(Int64(value.i8))
        case AMQP_FIELD_KIND_U8: self = .int(Int64(value.u8))
        case AMQP_FIELD_KIND_I16: self = .int(Int64(value.i16))
        case AMQP_FIELD_KIND_U16: self = .int(Int64(value.u16))
        case AMQP_FIELD_KIND_I32: self = .int(Int64(value.i32))
        case AMQP_FIELD_KIND_U32: self = .int(Int64(value.u32))
        case AMQP_FIELD_KIND_I64: self = .int(value.i64)
        case AMQP_FIELD_KIND_U64: self = .int(Int64(clamping: value.u64))
        case AMQP_FIELD_KIND_F32: self = .double(Double(value.f32))
        case AMQP_FIELD_KIND_F64: self = .double(value.f64)
        case AMQP_FIELD_KIND_TIMESTAMP: self = .timestamp(value.u64)
        case AMQP_FIELD_KIND_UTF8: self = .string(String(value.bytes))
        case AMQP_FIELD_KIND_BYTES: self = .bytes([UInt8](value.bytes))
        case AMQP_FIELD_KIND_ARRAY where depth >= Self.depthLimit, AMQP_FIELD_KIND_TABLE where depth >= Self.depthLimit:
            self = .null
        case AMQP_FIELD_KIND_ARRAY:
            let entries = UnsafeBufferPointer(start: value.array.entries, count: Int(value.array.num_entries))
            self = .array(entries.map { AMQPValue($0, depth: depth + 1) })
        case AMQP_FIELD_KIND_TABLE: self = .table(AMQPValue.table(value.table, depth: depth + 1))
        default: self = .null  // also decimals, which nobody sends
        }
    }

    /// Copies a field table out of librabbitmq's memory; of several entries with one name the last counts. One whose
    /// name is no UTF-8 is left out: repaired it would be another name, and perhaps longer than the 255 bytes that a
    /// name may have.
    package static func table(_ table: amqp_table_t, depth: Int = 0) -> [String: AMQPValue] {
        let entries = UnsafeBufferPointer(start: table.entries, count: Int(table.num_entries))
        let named = entries.compactMap { entry in
            String(validating: [UInt8](entry.key), as: UTF8.self).map {
                ($0, AMQPValue(entry.value, depth: depth))
            }
        }
        return Dictionary(named, uniquingKeysWith: { _, last in last })
    }
}

extension [UInt8] {
    init(_ bytes: amqp_bytes_t) {
        self.init(UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.bytes == nil ? 0 : bytes.len))
    }
}

extension String {
    /// Invalid UTF-8 is repaired: names and error texts are for people.
    init(_ bytes: amqp_bytes_t) {
        let buffer = UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.bytes == nil ? 0 : bytes.len)
        self.init(decoding: buffer, as: UTF8.self)
    }
}
