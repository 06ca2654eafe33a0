// What the sketch of PROTOCOL.md needs of a board, on this computer: a clock, pins with an HX711 on them, a serial port.
// Compiled with the sketch as SKETCH:
//   play [UPTIME_US [COUNTS]]  in real time; the port is file descriptor 0, both ways. A force that goes up and down.
//   step               by commands on standard input, in a time of its own:
//     go US [HEX]      bytes come in, and the loop runs until then; prints what was said, `US HEX` for each frame
//     value COUNTS     the converter has this one measurement now
//     every US COUNTS  from now on it has one every so often (0: none)
//     room BYTES       what the port takes without waiting
//     set NAME NUMBER  clock (microseconds), index, run, tag, boot: as if that much had happened before
// With GIVEN the converter is left out: takeForce() is one that a test has put in, and calls given().
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HIGH 1
#define LOW 0
#define INPUT 0
#define OUTPUT 1
#define A0 14

static uint64_t clock_us;  // since boot
static uint64_t every_us, next_us;
static int32_t counts, swing = 400;
static bool fresh;              // a measurement waits to be read
static uint32_t register_bits;  // of the HX711
static int pulses, level, pulse_level;
static int room = 63;
static uint8_t inbox[8192];
static int in_from, in_to;
static char said[1 << 20];
static int said_length;
static int port = -1;

uint32_t micros() { return (uint32_t)clock_us; }
void delay(uint32_t ms) { clock_us += 1000ULL * ms; }
void delayMicroseconds(uint32_t) {}
void pinMode(uint8_t, uint8_t) {}
int analogRead(uint8_t) { return (int)(clock_us / 7 % 11); }
void noInterrupts() {}
void interrupts() {}

static uint32_t raw_of(int32_t value);
static int32_t force_now();

static void convert() {
  if (!every_us || clock_us < next_us) return;
  next_us += ((clock_us - next_us) / every_us + 1) * every_us;
  counts = force_now();
  fresh = true;
}

int digitalRead(uint8_t) {
  convert();
  if (pulses == 0) return fresh ? LOW : HIGH;
  return level;
}

void digitalWrite(uint8_t, uint8_t to) {
  if (to == pulse_level) return;
  pulse_level = to;
  if (!to) {
    if (pulses == 25) pulses = 0, fresh = false;
    return;
  }
  if (!pulses) register_bits = raw_of(counts);
  level = pulses < 24 ? register_bits >> (23 - pulses) & 1 : 1;
  pulses++;
}

struct Port {
  void begin(uint32_t) {}
  int available() { return in_to - in_from; }
  int read() { return in_from < in_to ? inbox[in_from++] : -1; }
  int availableForWrite() {
    if (port < 0) return room;
    struct pollfd ready = {port, POLLOUT, 0};
    return poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) ? room : 0;
  }
  void write(const uint8_t *data, int length) {
    if (port >= 0) {
      if (::write(port, data, length) != length && errno != EAGAIN && errno != EIO) exit(3);
      return;
    }
    said_length += sprintf(said + said_length, "%llu ", (unsigned long long)clock_us);
    for (int at = 0; at < length; at++) said_length += sprintf(said + said_length, "%02X", data[at]);
    said[said_length++] = ' ';
  }
  void write(uint8_t byte) { write(&byte, 1); }
} Serial;

#ifdef GIVEN
static bool given(int16_t &value) {  // another sensor than the HX711: its values are there without pulses
  convert();
  if (!fresh) return false;
  fresh = false;
  value = (int16_t)counts;
  return true;
}
#endif

#include SKETCH

static uint32_t raw_of(int32_t value) { return (uint32_t)lround(value * RAW_PER_NEWTON * LSB_N) & 0xFFFFFF; }

static int32_t force_now() {  // in play it goes up and down in 4 s; steady otherwise
  return port < 0 ? counts : (int32_t)(swing / 2 * (1 - cos((double)clock_us / 4e6 * 2 * M_PI)));
}

static void hear(const char *hex) {
  memmove(inbox, inbox + in_from, in_to - in_from);
  in_to -= in_from;
  in_from = 0;
  unsigned byte;
  for (; in_to < (int)sizeof inbox && sscanf(hex, "%2x", &byte) == 1; hex += 2) inbox[in_to++] = (uint8_t)byte;
}

static int step() {
  static char line[1 << 16], hex[1 << 16], name[16];
  unsigned long long until;
  long long number;
  setup();
  while (fgets(line, sizeof line, stdin)) {
    hex[0] = 0;
    if (sscanf(line, "go %llu %65000s", &until, hex) >= 1) {
      hear(hex);
      do {
        clock_us = clock_us + 100 < until ? clock_us + 100 : until > clock_us ? until : clock_us;
        loop();
      } while (clock_us < until);
      printf("%.*s\n", said_length, said);
      said_length = 0;
      fflush(stdout);
    } else if (sscanf(line, "value %lld", &number) == 1) {
      counts = (int32_t)number;
      fresh = true;
    } else if (sscanf(line, "every %llu %lld", &until, &number) == 2) {
      if (!every_us) next_us = clock_us + until;
      every_us = until;
      counts = (int32_t)number;
    } else if (sscanf(line, "room %lld", &number) == 1) {
      room = (int)number;
    } else if (sscanf(line, "set %15s %lld", name, &number) == 2) {
      if (!strcmp(name, "clock")) clock_us = (uint64_t)number;
      else if (!strcmp(name, "index")) nextIndex = (uint32_t)number;
      else if (!strcmp(name, "run")) run = (uint8_t)number;
      else if (!strcmp(name, "tag")) unaskedTag = (uint8_t)number;
      else if (!strcmp(name, "boot")) bootId = (uint32_t)number;
      else return 2;
    } else {
      return 2;
    }
  }
  return 0;
}

static uint64_t real_us() {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1000000ULL + at.tv_nsec / 1000;
}

static int play(uint64_t uptime_us) {
  uint64_t begin_us = real_us();
  port = 0;
  fcntl(port, F_SETFL, fcntl(port, F_GETFL) | O_NONBLOCK);
  every_us = 12137;  // an HX711 at 80 Hz, 3 % fast
  setup();
  uptime_us += clock_us;
  next_us = uptime_us;
  for (;;) {
    clock_us = uptime_us + real_us() - begin_us;
    memmove(inbox, inbox + in_from, in_to - in_from);
    in_to -= in_from;
    in_from = 0;
    int got = read(port, inbox + in_to, sizeof inbox - in_to);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EIO)) return 0;  // EIO: nobody has the other end open
    if (got > 0) in_to += got;
    loop();
    usleep(500);
  }
}

int main(int argc, char **argv) {
  if (argc > 3) swing = atoi(argv[3]);
  if (argc > 1 && !strcmp(argv[1], "play")) return play(argc > 2 ? strtoull(argv[2], 0, 10) : 0);
  return step();
}
