import CRabbitMQ

extension BrokerConnection {
    /// Declares everything, exchanges before queues before bindings.
    ///
    /// - Throws: an exception that names the object, for example 406 when it exists with other arguments. The channel
    ///   is dead then.
    func declare(_ topology: AMQPTopology, channel: UInt16) throws(AMQPError) {
        try FieldArena.with { arena throws(AMQPError) in try declare(topology, channel: channel, arena) }
    }

    private func declare(_ topology: AMQPTopology, channel: UInt16, _ arena: FieldArena) throws(AMQPError) {
        for exchange in topology.exchanges {
            amqp_exchange_declare(
                state, channel, arena.text(exchange.name), arena.text(exchange.kind.rawValue), 0,
                exchange.isDurable ? 1 : 0, exchange.isAutoDelete ? 1 : 0, 0, arena.table([:]))
            try amqp_get_rpc_reply(state).check("declare exchange \(exchange.name)")
        }
        for queue in topology.queues {
            amqp_queue_declare(
                state, channel, arena.text(queue.name), 0, queue.isDurable ? 1 : 0, queue.isExclusive ? 1 : 0,
                queue.isAutoDelete ? 1 : 0, arena.table(queue.arguments))
            try amqp_get_rpc_reply(state).check("declare queue \(queue.name)")
        }
        for binding in topology.bindings {
            amqp_queue_bind(
                state, channel, arena.text(binding.queue), arena.text(binding.exchange),
                arena.text(binding.routingKey), arena.table([:]))
            try amqp_get_rpc_reply(state).check("bind queue \(binding.queue) to \(binding.exchange)")
        }
    }
}
