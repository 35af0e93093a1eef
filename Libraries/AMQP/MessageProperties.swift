import CRabbitMQ

extension AMQPMessage {
    /// Checks the protocol's limits: short strings are at most 255 bytes.
    ///
    /// - Throws: `.invalid`, naming the field.
    func validate(bodyLimit: Int) throws(AMQPError) {
        let texts: [(String, String?)] = [
            ("exchange", exchange), ("routing key", routingKey), ("message id", messageID), ("type", type),
            ("content type", contentType), ("correlation id", correlationID),
        ]
        for (name, text) in texts where (text?.utf8.count ?? 0) > 255 {
            throw AMQPError(.invalid, "\(name) is longer than 255 bytes")
        }
        guard headers.keys.allSatisfy({ $0.utf8.count <= 128 }) else {
            throw AMQPError(.invalid, "a header's name is longer than 128 bytes")
        }
        guard body.count <= bodyLimit else {
            throw AMQPError(.invalid, "a body of \(body.count) bytes is over the limit of \(bodyLimit)")
        }
    }

    /// The properties in librabbitmq's form; valid as long as the arena's memory.
    func properties(in arena: FieldArena) -> amqp_basic_properties_t {
        var properties = amqp_basic_properties_t()
        func set(_ flag: Int32) { properties._flags |= amqp_flags_t(flag) }
        if let contentType {
            set(AMQP_BASIC_CONTENT_TYPE_FLAG)
            properties.content_type = arena.text(contentType)
        }
        if let messageID {
            set(AMQP_BASIC_MESSAGE_ID_FLAG)
            properties.message_id = arena.text(messageID)
        }
        if let type {
            set(AMQP_BASIC_TYPE_FLAG)
            properties.type = arena.text(type)
        }
        if let correlationID {
            set(AMQP_BASIC_CORRELATION_ID_FLAG)
            properties.correlation_id = arena.text(correlationID)
        }
        if let expirationMilliseconds {
            set(AMQP_BASIC_EXPIRATION_FLAG)
            properties.expiration = arena.text(String(expirationMilliseconds))
        }
        if let timestamp {
            set(AMQP_BASIC_TIMESTAMP_FLAG)
            properties.timestamp = timestamp
        }
        if !headers.isEmpty {
            set(AMQP_BASIC_HEADERS_FLAG)
            properties.headers = arena.table(headers)
        }
        set(AMQP_BASIC_DELIVERY_MODE_FLAG)
        properties.delivery_mode = persistent ? 2 : 1
        return properties
    }

    /// Copies the properties of a delivered message.
    mutating func take(_ properties: amqp_basic_properties_t) {
        func has(_ flag: Int32) -> Bool { properties._flags & amqp_flags_t(flag) != 0 }
        if has(AMQP_BASIC_CONTENT_TYPE_FLAG) { contentType = String(properties.content_type) }
        if has(AMQP_BASIC_MESSAGE_ID_FLAG) { messageID = String(properties.message_id) }
        if has(AMQP_BASIC_TYPE_FLAG) { type = String(properties.type) }
        if has(AMQP_BASIC_CORRELATION_ID_FLAG) { correlationID = String(properties.correlation_id) }
        if has(AMQP_BASIC_EXPIRATION_FLAG) { expirationMilliseconds = Int(String(properties.expiration)) }
        if has(AMQP_BASIC_TIMESTAMP_FLAG) { timestamp = properties.timestamp }
        if has(AMQP_BASIC_HEADERS_FLAG) { headers = AMQPValue.table(properties.headers) }
        persistent = has(AMQP_BASIC_DELIVERY_MODE_FLAG) && properties.delivery_mode == 2
    }
}
