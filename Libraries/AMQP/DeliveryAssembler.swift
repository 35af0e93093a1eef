import CRabbitMQ

/// Assembles deliveries from their frames: the method, the header, and as many body frames as the size needs.
struct DeliveryAssembler {
    private struct Partial {
        var message: AMQPMessage
        let tag: UInt64
        let isRedelivered: Bool
        var missing = 0
    }

    private var partial: Partial?

    /// - Returns: the delivery that this frame completes. Everything is copied out of the frame.
    mutating func take(_ frame: amqp_frame_t) -> AMQPDelivery? {
        switch Int32(frame.frame_type) {
        case AMQP_FRAME_METHOD: begin(frame.payload.method)
        case AMQP_FRAME_HEADER: takeHeader(frame)
        case AMQP_FRAME_BODY:
            let part = frame.payload.body_fragment
            partial?.message.body += UnsafeRawBufferPointer(start: part.bytes, count: part.len)
            partial?.missing -= part.len
        default: return nil
        }
        guard let complete = partial, complete.missing == 0 else { return nil }
        partial = nil
        return AMQPDelivery(
            message: complete.message, tag: complete.tag, isRedelivered: complete.isRedelivered)
    }

    private mutating func begin(_ method: amqp_method_t) {
        guard let deliver = method.decoded?.assumingMemoryBound(to: amqp_basic_deliver_t.self).pointee else { return }
        partial = Partial(
            message: AMQPMessage(
                exchange: String(deliver.exchange), routingKey: String(deliver.routing_key), body: [], persistent: false
            ),
            tag: deliver.delivery_tag, isRedelivered: deliver.redelivered != 0, missing: -1)  // until the header says
    }

    private mutating func takeHeader(_ frame: amqp_frame_t) {
        let header = frame.payload.properties
        guard let decoded = header.decoded else { return }
        partial?.message.take(decoded.assumingMemoryBound(to: amqp_basic_properties_t.self).pointee)
        let size = Int(clamping: header.body_size)
        partial?.missing = size
        partial?.message.body.reserveCapacity(min(size, 16 << 20))  // only announced so far, hence the bound
    }
}
