#!/usr/bin/perl
# SPDX-License-Identifier: GPL-3.0-or-later
# A screen as text with SGR colours (tmux capture-pane -e -p) on stdin becomes an SVG picture on stdout.
use strict;
use warnings;
binmode STDIN, ':utf8';
binmode STDOUT, ':utf8';

my ($w, $h, $pad) = (8.4, 17, 10);
my ($ground, $plain, $dim) = ('#16181d', '#d8dbe2', '#868d99');
my @basic = ('#3b4048', '#e06c60', '#7fbf6a', '#d9b45b', '#6ba0e8', '#c488d8', '#58bfc9', '#d8dbe2',
	'#6b7280', '#ff8d80', '#a3e08c', '#f5d27a', '#93bdf7', '#dfa6f0', '#86dfe8', '#ffffff');

sub color {
	my ($n) = @_;
	return $basic[$n] if $n < 16;
	return sprintf '#%02x%02x%02x', (8 + 10 * ($n - 232)) x 3 if $n >= 232;
	$n -= 16;
	my @c = map { $_ ? 55 + 40 * $_ : 0 } int($n / 36), int($n / 6) % 6, $n % 6;
	return sprintf '#%02x%02x%02x', @c;
}

sub width_of { return $_[0] =~ /^[\x{1100}-\x{115f}\x{2e80}-\x{a4cf}\x{ac00}-\x{d7a3}\x{f900}-\x{faff}\x{fe30}-\x{fe6f}\x{ff00}-\x{ff60}\x{1f300}-\x{1faff}]/ ? 2 : 1 }

sub escape {
	my ($t) = @_;
	$t =~ s/&/&amp;/g;
	$t =~ s/</&lt;/g;
	$t =~ s/>/&gt;/g;
	return $t;
}

my ($fg, $bg, $bold, $faint, $under, $reverse);

sub sgr {
	my @p = map { $_ eq '' ? 0 : $_ } split /[;:]/, $_[0], -1;
	@p = (0) unless @p;
	while (@p) {
		my $n = shift @p;
		if ($n == 0) { ($fg, $bg, $bold, $faint, $under, $reverse) = () }
		elsif ($n == 1) { $bold = 1 }
		elsif ($n == 2) { $faint = 1 }
		elsif ($n == 4) { $under = 1 }
		elsif ($n == 7) { $reverse = 1 }
		elsif ($n == 22) { $bold = $faint = 0 }
		elsif ($n == 24) { $under = 0 }
		elsif ($n == 27) { $reverse = 0 }
		elsif ($n >= 30 && $n <= 37) { $fg = color($n - 30) }
		elsif ($n == 39) { undef $fg }
		elsif ($n >= 40 && $n <= 47) { $bg = color($n - 40) }
		elsif ($n == 49) { undef $bg }
		elsif ($n >= 90 && $n <= 97) { $fg = color($n - 82) }
		elsif ($n >= 100 && $n <= 107) { $bg = color($n - 92) }
		elsif (($n == 38 || $n == 48) && @p) {
			my $kind = shift @p;
			my $c = $kind == 5 ? color(shift @p) : sprintf '#%02x%02x%02x', splice @p, 0, 3;
			$n == 38 ? ($fg = $c) : ($bg = $c);
		}
	}
}

my ($out, $row, $most) = ('', 0, 0);
while (my $line = <STDIN>) {
	chomp $line;
	my $col = 0;
	($fg, $bg, $bold, $faint, $under, $reverse) = ();
	while ($line =~ /\G(?:\e\[([0-9;:]*)m|\e[()].|[\x0e\x0f]|([^\e\x0e\x0f]+))/g) {
		sgr($1), next if defined $1;
		next unless defined $2;
		# A run of one kind of text; wide characters and lines stand alone, so that none drifts.
		for my $run ($2 =~ /[\x20-\x7e]+|[^\x20-\x7e]/g) {
			my $n = $run =~ /^[\x20-\x7e]/ ? length $run : width_of($run);
			my $f = defined $fg ? $fg : $faint ? $dim : $plain;
			my $b = $bg;
			($f, $b) = (defined $b ? $b : $ground, $f) if $reverse;
			my ($x, $y) = ($pad + $col * $w, $pad + $row * $h);
			$out .= sprintf qq(<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>\n), $x, $y, $n * $w, $h, $b if defined $b;
			if ($run =~ /[\x{2500}\x{2502}\x{2534}\x{252c}\x{251c}\x{2524}\x{253c}]/) {
				# Lines meet only when they are drawn.
				my ($mx, $my) = ($x + $w / 2, $y + $h / 2);
				my $d = '';
				$d .= sprintf 'M%.1f %.1fH%.1f', $run eq "\x{251c}" ? $mx : $x, $my, $run eq "\x{2524}" ? $mx : $x + $w if $run ne "\x{2502}";
				$d .= sprintf 'M%.1f %.1fV%.1f', $mx, $run eq "\x{252c}" ? $my : $y, $run eq "\x{2534}" ? $my : $y + $h if $run ne "\x{2500}";
				$out .= qq(<path d="$d" stroke="$f" fill="none"/>\n);
			} elsif ($run =~ /\S/) {
				$out .= sprintf qq(<text x="%.1f" y="%.1f" fill="%s"%s%s textLength="%.1f" lengthAdjust="spacingAndGlyphs">%s</text>\n), $x, $y + 13, $f,
					$bold ? ' font-weight="bold"' : '', $under ? ' text-decoration="underline"' : '', $n * $w, escape($run);
			}
			$col += $n;
		}
	}
	$most = $col if $col > $most;
	$row++;
}
my ($width, $height) = (2 * $pad + $most * $w, 2 * $pad + $row * $h);
printf qq(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" font-family="DejaVu Sans Mono,Menlo,Consolas,monospace" font-size="14" xml:space="preserve">\n<rect width="100%%" height="100%%" rx="6" fill="%s"/>\n%s</svg>\n),
	$width, $height, $width, $height, $ground, $out;
