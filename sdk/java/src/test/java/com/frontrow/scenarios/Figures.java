package com.frontrow.scenarios;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

/** The numbers and names of a scenario. Reading one that it does not have fails. */
record Figures(JsonObject values) {
  int number(String name) {
    return get(name).getAsInt();
  }

  long longNumber(String name) {
    return get(name).getAsLong();
  }

  double decimal(String name) {
    return get(name).getAsDouble();
  }

  String text(String name) {
    return get(name).getAsString();
  }

  Figures metadata() {
    return new Figures(get("metadata").getAsJsonObject());
  }

  private JsonElement get(String name) {
    JsonElement value = values.get(name);
    if (value == null) {
      throw new AssertionError("the scenario has no \"" + name + "\"");
    }
    return value;
  }
}
