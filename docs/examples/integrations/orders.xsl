<?xml version="1.0" encoding="UTF-8"?>
<!-- EDIFACT ORDERS D.96A to the native envelope. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
    xmlns:os="urn:omnichannel-studio:conversion" exclude-result-prefixes="os">
  <xsl:param name="SENDER_MAILBOX"/>
  <xsl:output method="xml" encoding="UTF-8"/>

  <xsl:template match="/EDIFACT">
    <xsl:apply-templates select="MESSAGE[1]"/>
  </xsl:template>

  <xsl:template match="MESSAGE">
    <xsl:if test="not(BGM/BGM02)">
      <xsl:message terminate="yes">The order has no number in BGM.</xsl:message>
    </xsl:if>
    <envelope>
      <subject>Order <xsl:value-of select="BGM/BGM02"/></subject>
      <documents><document encoding="source"/></documents>
      <fields>
        <field name="order_number"><xsl:value-of select="BGM/BGM02"/></field>
        <field name="order_date">
          <xsl:value-of select="os:date(DTM[DTM01/DTM0101='137']/DTM01/DTM0102, 'yyyyMMdd', 'yyyy-MM-dd')"/>
        </field>
        <field name="buyer"><xsl:value-of select="GROUP_2/NAD[NAD01='BY']/NAD02/NAD0201"/></field>
        <field name="sender_mailbox"><xsl:value-of select="$SENDER_MAILBOX"/></field>
        <table name="lines"><xsl:apply-templates select="GROUP_25"/></table>
      </fields>
    </envelope>
  </xsl:template>

  <xsl:template match="GROUP_25">
    <row>
      <field name="sku"><xsl:value-of select="PIA/PIA02/PIA0201"/></field>
      <field name="quantity"><xsl:value-of select="QTY/QTY01/QTY0102"/></field>
      <field name="price"><xsl:value-of select="GROUP_28/PRI/PRI01/PRI0102"/></field>
    </row>
  </xsl:template>
</xsl:stylesheet>
