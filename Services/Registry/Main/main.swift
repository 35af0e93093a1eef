import Registry
import ServiceHost

await ServiceHost.run(RegistryService.self)
