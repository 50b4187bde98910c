import { defineConfig } from "vitest/config";

// A busy machine takes many times as long; what is measured is processor time.
export default defineConfig({ test: { include: ["tests/**/*.test.ts"], testTimeout: 60_000 } });
