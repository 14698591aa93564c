"""The provider of canned answers for tests; configurations may name it only behind a switch."""
