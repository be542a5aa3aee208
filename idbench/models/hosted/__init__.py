"""Models that run at their vendor's and are asked over the network, for money: OpenAI's and Google's, by their SDKs."""
