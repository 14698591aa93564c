"""The data that travels through the gateway, as msgspec Structs. No behaviour beyond conversion."""
