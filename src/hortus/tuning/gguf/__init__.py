"""GGUF: Hugging Face folders and PEFT adapters as files for llama.cpp, or the reason why not."""
