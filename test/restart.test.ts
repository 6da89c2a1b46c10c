import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../src/postgres/embedded.ts";
import { createDataFolder, type DataFolder } from "./support/data-folder.ts";
import type { TestDatabase } from "./support/database.ts";
import { endPrograms, type OpenProgram, openProgram } from "./support/program.ts";
import { createProtocolClient, type Outcome } from "./support/protocols.ts";
import { startTestService, testEnvironment } from "./support/service.ts";
import { createStage } from "./support/stage.ts";
import { startTcpProxy, type TcpProxy } from "./support/tcp-proxy.ts";

vi.setConfig({ testTimeout: 60_000 });

const { getConcert } = { getConcert: "/api/v1/concerts" };
